"use strict";
const page = document.documentElement;
document.getElementById("language").addEventListener("click", () => {
  page.dataset.lang = page.dataset.lang === "zh" ? "en" : "zh";
  page.lang = page.dataset.lang === "zh" ? "zh-CN" : "en";
});
const search = document.getElementById("search");
const buttons = [...document.querySelectorAll(".tools button")];
function filter() {
  const wanted = search.value.trim().toLowerCase();
  const verdicts = new Set(buttons.filter((b) => b.getAttribute("aria-pressed") === "true").map((b) => b.dataset.verdict));
  const active = wanted !== "" || verdicts.size > 0;
  let found = 0;
  for (const group of document.querySelectorAll("tr.group")) {
    let shown = 0;
    for (const row of group.querySelectorAll("tr.req")) {
      const fits = row.textContent.toLowerCase().includes(wanted) && (verdicts.size === 0 || verdicts.has(row.dataset.verdict));
      row.hidden = !fits;
      shown += fits ? 1 : 0;
    }
    group.hidden = shown === 0;
    group.querySelector("details").open = active && shown > 0;
    found += shown;
  }
  document.getElementById("found").textContent = active ? String(found) : "";
}
if (search) {
  search.addEventListener("input", filter);
  for (const button of buttons) {
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") === "true" ? "false" : "true");
      filter();
    });
  }
}
