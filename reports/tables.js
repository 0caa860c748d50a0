"use strict";
// Tables: sort by a head, filter, choose columns, copy as CSV or Markdown; copy code.
(() => {
  const said = document.getElementById("said");
  const say = (text) => { said.textContent = ""; said.textContent = text; };

  // Rows without a value stay last, whichever the direction.
  const valueOf = (row, column) => {
    const cell = row.cells[column];
    const value = cell.dataset.v;
    return value === undefined ? cell.textContent.trim().toLowerCase() : value;
  };
  const order = (a, b, numeric, sign) => {
    if (a === "" || b === "") return (a === "") - (b === "");
    return sign * (numeric ? Number(a) - Number(b) : a.localeCompare(b, undefined, { numeric: true }));
  };
  const sort = (table, head, column) => {
    const down = head.getAttribute("aria-sort") === "ascending";
    table.querySelectorAll("thead th").forEach((th) => th.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [row, valueOf(row, column)]);
    const numeric = head.classList.contains("n");
    rows.sort((a, b) => order(a[1], b[1], numeric, down ? -1 : 1));
    body.append(...rows.map(([row]) => row));
  };
  document.querySelectorAll("table.sortable").forEach((table) => {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const press = head.querySelector("button");
      if (press) press.addEventListener("click", () => sort(table, head, column));
    });
  });

  // Without leave for the clipboard, as in a frame, the old way still works.
  const put = async (text, what) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const held = document.activeElement;
      const area = document.createElement("textarea");
      area.value = text;
      area.className = "said";
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      held?.focus();
      if (!done) { say("The browser refused to copy."); return false; }
    }
    say(`${what} copied.`);
    return true;
  };
  const confirm = (button) => {
    button.dataset.label ??= button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = button.dataset.label; }, 1500);
  };
  document.querySelectorAll("[data-copy]").forEach((button) => {
    button.addEventListener("click", async () => {
      const text = document.getElementById(button.dataset.copy).textContent;
      if (await put(text, "Text")) confirm(button);
    });
  });

  // What a cell says when it is copied: its exact value, what it draws, or its words.
  const textOf = (cell) => {
    if (cell.dataset.v !== undefined) return cell.dataset.v;
    if (cell.dataset.text !== undefined) return cell.dataset.text;
    const copy = cell.cloneNode(true);
    copy.querySelectorAll("svg, summary").forEach((part) => part.remove());
    return copy.textContent.replace(/\s+/g, " ").trim();
  };
  const csv = (rows) => rows.map((row) => row.map((text) => {
    // A sheet must not take a name for a formula.
    const formula = /^[=+\-@\t\r]/.test(text) && !Number.isFinite(Number(text));
    const safe = formula ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  }).join(",")).join("\n") + "\n";
  const markdown = (rows) => {
    const line = (row) => `| ${row.map((t) => t.replaceAll("\\", "\\\\").replaceAll("|", "\\|").replaceAll("<", "&lt;")).join(" | ")} |`;
    return [line(rows[0]), line(rows[0].map(() => "---")), ...rows.slice(1).map(line)].join("\n") + "\n";
  };
  const contents = (table) => {
    const shown = [...table.tHead.rows[0].cells]
      .map((cell, i) => (cell.hidden ? -1 : i))
      .filter((i) => i >= 0 && !table.tHead.rows[0].cells[i].dataset.drawn);
    const body = [...table.tBodies[0].rows].filter((row) => !row.hidden);
    return [table.tHead.rows[0], ...body].map((row) => shown.map((i) => textOf(row.cells[i])));
  };

  document.querySelectorAll(".tools").forEach((tools) => {
    const table = document.getElementById(tools.dataset.table);
    const rows = [...table.tBodies[0].rows];
    const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
    const filter = tools.querySelector(".filter");
    const shown = tools.querySelector(".shown");
    filter.addEventListener("input", () => {
      const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      let n = 0;
      for (const row of rows) {
        row.hidden = !words.every((word) => texts.get(row).includes(word));
        n += !row.hidden;
      }
      shown.textContent = words.length ? `${n} of ${rows.length}` : "";
    });
    tools.querySelectorAll("[data-column]").forEach((box) => {
      box.addEventListener("change", () => {
        const column = Number(box.dataset.column);
        for (const row of [table.tHead.rows[0], ...rows]) {
          row.cells[column].hidden = !box.checked;
        }
      });
    });
    tools.querySelectorAll("[data-as]").forEach((button) => {
      button.addEventListener("click", async () => {
        const make = button.dataset.as === "csv" ? csv : markdown;
        if (await put(make(contents(table)), "Table")) confirm(button);
      });
    });
  });
})();
