"""A headless browser over its DevTools protocol, with the standard library alone."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import socket
import struct
import subprocess
import tarfile
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)


def find_browser() -> str | None:
    """Return the path of a browser, or None."""
    return next((p for p in map(shutil.which, NAMES) if p), None)


BROWSER = find_browser()

IN_BROWSER = [
    pytest.mark.browser,
    pytest.mark.skipif(
        BROWSER is None,
        reason="no Chromium on the path; what needs none is tested without it",
    ),
]
"""Marks of a module whose tests need a browser."""

AXE = "axe-core@4.14.1"
"""The accessibility rules, from npm; never a part of this repository."""


def fetch_axe(folder: Path) -> str | None:
    """Return the script of axe-core; None without npm or a network."""
    if shutil.which("npm") is None:
        return None
    with contextlib.suppress(subprocess.SubprocessError):
        subprocess.run(
            ["npm", "pack", AXE, "--silent"],
            cwd=folder, check=True, timeout=120, capture_output=True,
        )  # fmt: skip
        (packed,) = folder.glob("axe-core-*.tgz")
        with tarfile.open(packed) as archive:
            script = archive.extractfile("package/axe.min.js")
            return None if script is None else script.read().decode()
    return None


class Page:
    """One tab: commands, and the events that came meanwhile."""

    def __init__(self, address: str) -> None:
        parts = urlparse(address)
        self._socket = socket.create_connection((parts.hostname, parts.port), 30)
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall(
            (
                f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
                "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
            ).encode()
        )
        head = b""
        while b"\r\n\r\n" not in head:
            head += self._socket.recv(1)
        self._number = 0
        self.session: str | None = None
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        self._send(json.dumps(message).encode())
        while True:
            answer = json.loads(self._receive())
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(answer["error"]["message"])
                return answer["result"]
            self.events.append(answer)

    def run(self, script: str) -> Any:
        """Return the value of a script in the page."""
        found = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in found:
            raise RuntimeError(json.dumps(found["exceptionDetails"])[:500])
        return found["result"].get("value")

    def open(self, path: Path, *, width: int = 1280, dark: bool = False) -> None:
        """Show a file, and wait until it stands."""
        self.events.clear()
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.resize(width)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url=path.as_uri())
        while self.run("document.readyState") != "complete":
            time.sleep(0.05)

    def resize(self, width: int, height: int = 900) -> None:
        """Set the size of the window."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def press(self, key: str, *, text: str = "") -> None:
        """Press and let go a key where the focus is."""
        codes = {"Enter": 13, "Tab": 9, "ArrowRight": 39, "ArrowLeft": 37, " ": 32}
        common = {"key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def click(self, selector: str) -> None:
        """Click where an element is, with the mouse."""
        x, y = self.run(
            f"""(() => {{
              const item = document.querySelector({json.dumps(selector)});
              item.scrollIntoView({{ behavior: "instant", block: "center" }});
              const box = item.getBoundingClientRect();
              return [box.x + box.width / 2, box.y + box.height / 2];
            }})()"""
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call(
                "Input.dispatchMouseEvent",
                type=kind, x=x, y=y, button="left", clickCount=1,
            )  # fmt: skip

    def draw_all(self) -> int:
        """Scroll through the page until every chart is drawn; return how many."""
        return self.run(
            """(async () => {
              const pause = () => new Promise((done) => setTimeout(done, 60));
              for (const box of document.querySelectorAll(".chart")) {
                box.scrollIntoView({ behavior: "instant" });
                for (let i = 0; i < 50 && !box.querySelector(".main-svg"); i++) {
                  await pause();
                }
              }
              return document.querySelectorAll(".chart .main-svg:first-child").length;
            })()"""
        )

    def complaints(self) -> list[str]:
        """Return errors and warnings that the page caused, refused loads among them."""
        found = []
        for event in self.events:
            params = event.get("params", {})
            if event.get("method") == "Runtime.exceptionThrown":
                found.append(json.dumps(params["exceptionDetails"])[:500])
            if event.get("method") == "Runtime.consoleAPICalled":
                found.append(json.dumps(params["args"])[:500])
            if event.get("method") == "Log.entryAdded":
                found.append(params["entry"]["text"][:500])
        return found

    def requests(self) -> list[str]:
        """Return the addresses that the page asked for, data within it left out."""
        return [
            event["params"]["request"]["url"]
            for event in self.events
            if event.get("method") == "Network.requestWillBeSent"
            and not event["params"]["request"]["url"].startswith("data:")
        ]

    def picture(self, path: Path) -> None:
        """Write the whole page as a picture."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "scale": 1}
        clip |= {"width": size["width"], "height": size["height"]}
        shot = self.call(
            "Page.captureScreenshot", clip=clip, captureBeyondViewport=True
        )
        path.write_bytes(base64.b64decode(shot["data"]))

    def _send(self, body: bytes) -> None:
        mask, size = os.urandom(4), len(body)
        head = b"\x81" + (
            bytes([0x80 | size])
            if size < 126
            else b"\xfe" + struct.pack(">H", size)
            if size < 65536
            else b"\xff" + struct.pack(">Q", size)
        )
        masked = bytes(b ^ mask[i % 4] for i, b in enumerate(body))
        self._socket.sendall(head + mask + masked)

    def _receive(self) -> bytes:
        body, last = b"", False
        while not last:
            first, size = self._exactly(2)
            last, size = bool(first & 0x80), size & 0x7F
            if size == 126:
                size = struct.unpack(">H", self._exactly(2))[0]
            elif size == 127:
                size = struct.unpack(">Q", self._exactly(8))[0]
            body += self._exactly(size)
        return body

    def _exactly(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            part = self._socket.recv(min(1 << 20, size - len(parts)))
            if not part:
                raise ConnectionError("The browser went away.")
            parts += part
        return bytes(parts)

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()


@contextlib.contextmanager
def browser_page(binary: str, folder: Path) -> Iterator[Page]:
    """Give a tab of a new browser with a new profile."""
    command = [binary, *FLAGS, f"--user-data-dir={folder}", "about:blank"]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            page = Page(_address(folder))
            tabs = page.call("Target.getTargets")["targetInfos"]
            tab = next(t for t in tabs if t["type"] == "page")
            page.session = page.call(
                "Target.attachToTarget", targetId=tab["targetId"], flatten=True
            )["sessionId"]
            yield page
            page.close()
        finally:
            process.terminate()


def _address(folder: Path) -> str:
    port = folder / "DevToolsActivePort"
    for _ in range(400):
        if port.exists() and len(lines := port.read_text().split("\n")) > 1:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        time.sleep(0.05)
    raise TimeoutError("The browser did not start in 20 s.")
