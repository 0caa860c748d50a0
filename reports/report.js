"use strict";
// Draws the charts in the page's colours and sets the page for print.
// The page is complete without it, apart from the drawings.
(() => {
  const root = document.documentElement;
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const boxes = [...document.querySelectorAll(".chart")];
  const drawn = new Set();
  const widths = new WeakMap();
  let printing = null;
  const options = { displayModeBar: false, responsive: false, doubleClick: false };
  const PRINT_WIDTHS = { full: 640, half: 300, small: 190 };

  // "$ink" becomes the value of --ink; only where Plotly expects a colour.
  const colours = (value, key, styles) => {
    if (Array.isArray(value)) return value.map((item) => colours(item, key, styles));
    if (value && typeof value === "object") {
      return Object.fromEntries(
        Object.entries(value).map(([k, v]) => [k, colours(v, k, styles)]),
      );
    }
    const named = typeof value === "string" && value[0] === "$" && /color(scale)?$/i.test(key);
    return named ? styles.getPropertyValue("--" + value.slice(1)).trim() : value;
  };

  const sizeOf = (box) =>
    ["full", "half", "small"].find((s) => box.parentElement.classList.contains(s));

  const draw = (box, width) => {
    const figure = colours(figures[box.id], "", getComputedStyle(root));
    figure.layout.width = width || box.clientWidth;
    figure.layout.font.family = getComputedStyle(document.body).fontFamily;
    drawn.add(box);
    widths.set(box, box.clientWidth);
    return Plotly.react(box, figure.data, figure.layout, options);
  };

  const redraw = () => drawn.forEach((box) => draw(box));

  // Charts are drawn as they come near, so that the first screen is there at once.
  if (boxes.length) {
    const near = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        if (entry.isIntersecting && !drawn.has(entry.target)) draw(entry.target);
      }
    }, { rootMargin: "600px" });
    boxes.forEach((box) => near.observe(box));
  }
  const resized = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (drawn.has(target) && !printing && widths.get(target) !== target.clientWidth) {
        draw(target);
      }
    }
  });
  boxes.forEach((box) => resized.observe(box));

  // Light and dark: the system's choice until the button is pressed.
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const button = document.getElementById("theme");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
  const tell = () => button.setAttribute("aria-pressed", String(isDark()));
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    tell();
    redraw();
  });
  dark.addEventListener("change", () => { tell(); redraw(); });
  tell();

  // Print: open (a drawn chart needs no table), light, and as wide as the paper.
  addEventListener("beforeprint", () => {
    if (printing) return;
    printing = {
      theme: root.dataset.theme,
      closed: [...document.querySelectorAll("details:not([open])")].filter(
        (item) => !item.closest("figure"),
      ),
    };
    root.dataset.theme = "light";
    printing.closed.forEach((item) => { item.open = true; });
    boxes.forEach((box) => draw(box, PRINT_WIDTHS[sizeOf(box)]));
  });
  addEventListener("afterprint", () => {
    if (!printing) return;
    printing.closed.forEach((item) => { item.open = false; });
    if (printing.theme) root.dataset.theme = printing.theme;
    else delete root.dataset.theme;
    printing = null;
    redraw();
  });
})();
