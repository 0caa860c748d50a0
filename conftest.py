"""What all tests need of their process."""

import signal


def pytest_configure() -> None:
    """Let Ctrl-C be heard: a shell that runs tests in the background has it ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
