"use strict";
// The threshold explorer and the switch of the confusion matrix.
(() => {
  const style = new Intl.NumberFormat("en-US");
  const share = (value) => (Number.isFinite(value) ? `${(100 * value).toFixed(1)} %` : "–");

  // The matrix in counts, in shares of the true class, or of the predicted class.
  const matrix = document.getElementById("matrix");
  const buttons = [...document.querySelectorAll("[data-show]")];
  if (matrix && buttons.length) {
    const cells = [...matrix.tBodies[0].rows].map((row) => [...row.querySelectorAll("td")]);
    const counts = cells.map((row) => row.map((cell) => Number(cell.dataset.n)));
    const original = cells.map((row) => row.map((cell) => cell.cloneNode(true)));
    const sum = (list) => list.reduce((a, b) => a + b, 0);
    const down = counts[0].map((_, j) => sum(counts.map((row) => row[j])));
    const told = {
      both: "Rows by true and predicted class; % are of the true class",
      row: "Share of the true class (row %)",
      column: "Share of the predicted class (column %)",
      count: "Rows by true and predicted class",
    };
    const show = (what) => {
      cells.forEach((row, i) => row.forEach((cell, j) => {
        const total = what === "column" ? down[j] : sum(counts[i]);
        const part = total ? counts[i][j] / total : 0;
        cell.style.setProperty("--p", `${(100 * part).toFixed(1)}%`);
        if (what === "both") cell.replaceChildren(...original[i][j].cloneNode(true).childNodes);
        else cell.textContent = what === "count" ? style.format(counts[i][j]) : share(part);
      }));
      matrix.caption.textContent = told[what];
      buttons.forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.show === what)));
    };
    buttons.forEach((b) => b.addEventListener("click", () => show(b.dataset.show)));
  }

  const slider = document.getElementById("threshold");
  const held = document.getElementById("decisions"); // a page that compares has none
  const facts = slider && held ? JSON.parse(held.textContent) : null;
  if (!facts) return;
  const find = (id) => document.getElementById(id);
  const [falseAlarm, miss] = [find("cost-fp"), find("cost-fn")];
  const price = (input) => (input.value === "" ? 0 : Math.max(0, Number(input.value)));
  const decide = (i) => {
    const [tp, fp] = [facts.tp[i], facts.fp[i]];
    const [fn, tn] = [facts.positives - tp, facts.negatives - fp];
    return {
      tp, fp, fn, tn,
      precision: tp / (tp + fp),
      recall: tp / (tp + fn),
      f1: (2 * tp) / (2 * tp + fp + fn),
      accuracy: (tp + tn) / (tp + fp + fn + tn),
      called: (tp + fp) / (tp + fp + fn + tn),
      cost: fp * price(falseAlarm) + fn * price(miss),
    };
  };
  const update = () => {
    const i = Number(slider.value);
    const exact = facts.at[i] === facts.own; // the others are as they are shown
    const at = String(exact ? facts.own : Number(facts.at[i].toPrecision(3)));
    const found = decide(i);
    find("threshold-at").textContent = at;
    find("threshold-use").textContent = at;
    slider.setAttribute("aria-valuetext", `probability ${at}`);
    for (const key of ["tn", "fp", "fn", "tp"]) find(key).textContent = style.format(found[key]);
    for (const key of ["precision", "recall", "f1", "accuracy", "called"]) {
      find(`out-${key}`).textContent = share(found[key]);
    }
    find("out-cost").textContent = style.format(Number(found.cost.toPrecision(6)));
    for (const [key, own] of [
      ["tn", facts.negatives], ["fp", facts.negatives],
      ["fn", facts.positives], ["tp", facts.positives],
    ]) {
      const part = (100 * found[key]) / Math.max(own, 1);
      find(key).parentElement.style.setProperty("--p", `${part}%`);
    }
  };
  // Of equal ones the threshold nearest to one half is taken.
  const best = (value) => {
    const places = facts.at.map((at, i) => [value(decide(i)), -Math.abs(at - 0.5), i]);
    places.sort((a, b) => b[0] - a[0] || b[1] - a[1]);
    slider.value = places[0][2];
    update();
  };
  const own = () => {
    const far = facts.at.map((at) => Math.abs(at - (facts.own ?? 0.5)));
    slider.value = far.indexOf(Math.min(...far));
    update();
  };
  slider.addEventListener("input", update);
  for (const input of [falseAlarm, miss]) input.addEventListener("input", update);
  find("cheapest").addEventListener("click", () => best((d) => -d.cost));
  find("best-f1").addEventListener("click", () => best((d) => d.f1 || 0));
  find("own").addEventListener("click", own);
  own();
})();
