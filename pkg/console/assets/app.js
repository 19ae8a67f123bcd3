// What the console does by script: keys. Every page reads and acts without it.
"use strict";
(() => {
  const typing = (e) => e.target.closest("input, select, textarea, [contenteditable]");
  let afterG = 0;

  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || typing(e)) return;
    if (e.key === "/") {
      e.preventDefault();
      document.getElementById("search")?.focus();
      return;
    }
    if (Date.now() - afterG < 1500) {
      afterG = 0;
      for (const a of document.querySelectorAll(".bar a[data-key]")) {
        if (a.dataset.key === e.key) a.click();
      }
      return;
    }
    if (e.key === "g") afterG = Date.now();
  });

  // A form is sent once: its button is busy until the answer is there.
  document.addEventListener("submit", (e) => e.target.setAttribute("aria-busy", "true"));
  window.addEventListener("pageshow", () => {
    for (const f of document.querySelectorAll("[aria-busy]")) f.removeAttribute("aria-busy");
  });
})();
