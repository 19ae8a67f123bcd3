// What the console does by script: keys, rows that arrive, copying. Every page reads
// and acts without it.
"use strict";
(() => {
  const all = (what, within = document) => [...within.querySelectorAll(what)];
  const typing = (e) => e.target.closest("input:not([type=checkbox]), select, textarea, [contenteditable]");

  // Keys. Single ones can be turned off (WCAG 2.1.4), which this browser remembers.
  const rows = () => all("tr[data-href]");
  const current = () => document.activeElement?.closest?.("tr[data-href]");
  const move = (by) => {
    const list = rows();
    const at = list.indexOf(current());
    const next = list[at < 0 ? (by > 0 ? 0 : list.length - 1) : at + by];
    next?.querySelector("a[href]")?.focus();
  };
  const press = (what) => document.querySelector(what)?.click();
  const keys = {
    "/": () => document.getElementById("search")?.focus(),
    j: () => move(1),
    k: () => move(-1),
    Enter: (e) => {
      if (document.activeElement?.tagName === "A" || !document.querySelector("tr.here")) return;
      e.preventDefault(); // a box would send its form
      press("tr.here a[href]");
    },
    x: () => current()?.querySelector(".pick input")?.click(),
    f: () => document.querySelector(".filter input, .filter select")?.focus(),
    l: () => document.querySelector("[data-show]:not([hidden])")?.click(),
    r: () => press('[data-press="r"]'),
    "[": () => press('[rel="prev"]'),
    "]": () => press('[rel="next"]'),
    "?": () => { location.href = "/keys"; },
  };
  let afterG = 0;
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || typing(e) || localStorage.getItem("keys") === "off") return;
    if (Date.now() - afterG < 1500) {
      afterG = 0;
      press('.bar a[data-key="' + CSS.escape(e.key) + '"]');
      return;
    }
    if (e.key === "g") { afterG = Date.now(); return; }
    if (Object.hasOwn(keys, e.key)) {
      if (e.key !== "Enter") e.preventDefault();
      keys[e.key](e);
    }
  });
  document.addEventListener("focusin", () => {
    for (const r of rows()) r.classList.toggle("here", r === current());
  });
  for (const box of all("[data-keys]")) {
    box.disabled = false;
    box.checked = localStorage.getItem("keys") !== "off";
    box.addEventListener("change", () => localStorage.setItem("keys", box.checked ? "on" : "off"));
  }

  // The theme, which this browser remembers.
  const theme = localStorage.getItem("theme");
  if (theme) document.documentElement.dataset.theme = theme;
  for (const box of all("[data-theme-choice]")) {
    box.disabled = false;
    box.value = theme || "";
    box.addEventListener("change", () => {
      if (box.value) localStorage.setItem("theme", box.value);
      else localStorage.removeItem("theme");
      document.documentElement.dataset.theme = box.value;
    });
  }

  // Rows that are selected, and the bar above them. Boxes keep their ticks over a visit
  // to another page, in some browsers.
  const bar = document.getElementById("chosen");
  const boxes = () => all('.pick input[name="id"]');
  const ticked = () => boxes().filter((b) => b.checked);
  const every = document.querySelector("[data-all]");
  const counted = () => {
    if (!bar) return;
    const n = ticked().length, said = bar.querySelector("[data-count]"), most = Number(said.dataset.most);
    said.textContent = n ? n + " selected" + (n > most ? ", at most " + most : "") + ":" : "None selected:";
    for (const b of all("button", bar)) b.disabled = n === 0 || n > most;
    every.hidden = false;
    every.checked = n > 0 && n === boxes().length;
    every.indeterminate = n > 0 && !every.checked;
  };
  document.addEventListener("change", (e) => {
    if (e.target === every) for (const b of boxes()) b.checked = every.checked;
    if (e.target.closest(".pick")) counted();
  });
  counted();
  window.addEventListener("pageshow", counted);

  // Rows that arrive. While a row is in use, none moves it: they wait behind a button.
  const held = [];
  const list = () => document.getElementById("rows");
  const inUse = () => list()?.matches(":hover") || list()?.contains(document.activeElement) || ticked().length > 0;
  // A new row goes where its time belongs. What is older than a whole page belongs to a
  // later one. The list does not grow for ever.
  const most = 500;
  const insert = (row) => {
    const body = list(), page = Number(body.dataset.byReceipt || 0);
    const older = page
      ? all("tr", body).find((r) => Number(r.dataset.at) <= Number(row.dataset.at))
      : body.firstElementChild;
    if (older) older.before(row);
    else if (body.rows.length < page) body.append(row);
    while (body.rows.length > most) body.lastElementChild.remove();
  };
  const place = (text) => {
    const t = document.createElement("template");
    t.innerHTML = text;
    const row = t.content.querySelector("tr");
    const old = row && document.getElementById(row.id);
    if (!row) return;
    if (!bar) row.querySelector(".pick")?.remove();
    else if (old?.querySelector(".pick input")?.checked) row.querySelector(".pick input").checked = true;
    if (!old) insert(row);
    else if (!old.contains(document.activeElement)) old.replaceWith(row);
    else old.querySelector(".state")?.replaceWith(row.querySelector(".state"));
    for (const none of all("[data-none]")) none.hidden = true;
    list().closest(".scroll").hidden = false;
    if (bar) bar.hidden = false;
    counted();
  };
  const button = () => document.querySelector("[data-show]");
  const show = () => {
    for (const text of held.splice(0)) place(text);
    if (button()) button().hidden = true;
  };
  const known = (text) => {
    const id = text.match(/ id="([^"]+)"/)?.[1];
    return id && document.getElementById(id);
  };
  document.addEventListener("arrived", (e) => arrive(e.detail.data));
  document.addEventListener("changed", (e) => arrive(e.detail.data));
  const arrive = (text) => {
    if (!list()) return;
    if (known(text) || !inUse()) { place(text); return; }
    held.push(text);
    button().hidden = false;
    button().textContent = held.length + " new, show";
  };
  document.addEventListener("click", (e) => { if (e.target.closest("[data-show]")) show(); });

  // Whether the page is live: a tick comes with each look of the server.
  const clock = document.getElementById("live");
  const time = () => new Date().toLocaleTimeString("en-GB");
  let last = 0, pause = 0, said = "";
  const tick = () => {
    const now = Date.now();
    if (last) pause = Math.max(1000, Math.min(now - last, 15000));
    last = now;
    said = time();
    clock.textContent = said;
    clock.classList.add("on");
  };
  const stale = () => {
    clock.classList.remove("on");
    clock.textContent = (said ? said + ", " : "") + "retrying";
  };
  document.addEventListener("tick", tick);
  document.addEventListener("trouble", stale);
  document.addEventListener("htmx:sse:error", stale);
  // Too many pages of this browser are followed: this one rests until it is looked at.
  document.addEventListener("rest", (e) => {
    e.target.remove();
    last = 0;
    clock.classList.remove("on");
    clock.textContent = said + ", resting";
    window.addEventListener("focus", () => location.reload(), { once: true });
  });
  document.addEventListener("anew", () => location.reload());
  setInterval(() => { if (last && Date.now() - last > 3 * (pause || 2000) + 1000 && !document.hidden) stale(); }, 1000);

  // A bar while the next page takes longer than a moment. The old content stays.
  const loading = document.getElementById("loading");
  const wait = 300;
  let awaited = 0;
  const arrived = () => { clearTimeout(awaited); loading.hidden = true; };
  window.addEventListener("beforeunload", () => {
    clearTimeout(awaited);
    awaited = setTimeout(() => { loading.hidden = false; }, wait);
  });
  window.addEventListener("pageshow", arrived);
  document.addEventListener("keydown", (e) => {
    if (e.key !== "Escape") return;
    arrived(); // it stops the browser from loading, too
    if (e.target.id === "search") e.target.blur();
  });

  // Copying, and forms that are sent once.
  for (const b of all("[data-copy]")) b.hidden = false;
  document.addEventListener("click", (e) => {
    const b = e.target.closest("[data-copy]");
    if (b) navigator.clipboard.writeText(document.getElementById(b.dataset.copy).textContent).then(() => { b.textContent = "Copied"; });
  });
  document.addEventListener("submit", (e) => e.target.setAttribute("aria-busy", "true"));
  window.addEventListener("pageshow", () => {
    for (const f of all("[aria-busy]")) f.removeAttribute("aria-busy");
  });
})();
