// What the pages do in the browser: times in the zone that the reader has chosen, what has changed without a reload,
// and a cursor in the grid. Everything is there without it, but for these.
"use strict";
const main = document.querySelector("#main");
const said = document.querySelector("#said");
const fresh = document.querySelector("#fresh");
const stale = document.querySelector("#stale");

// Times
const zone = document.querySelector("#zone");
zone.value = localStorage.getItem("zone") || "utc";
zone.addEventListener("change", () => { localStorage.setItem("zone", zone.value); writeTimes(); });
const formats = new Map();
function format(name) {
  if (!formats.has(name)) {
    formats.set(name, new Intl.DateTimeFormat("en-CA", { timeZone: name, weekday: "short", year: "numeric", month: "2-digit",
      day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZoneName: "short" }));
  }
  return formats.get(name);
}
function written(moment, of) {
  const part = Object.fromEntries(format(of).formatToParts(moment).map((one) => [one.type, one.value]));
  return `${part.weekday} ${part.year}-${part.month}-${part.day} ${part.hour}:${part.minute}:${part.second} ${part.timeZoneName}`;
}
function chosen(element) {
  if (zone.value === "viewer") return undefined;
  return zone.value === "task" && element.dataset.zone ? element.dataset.zone : "UTC";
}
function writeTimes() {
  for (const element of document.querySelectorAll("time[datetime]")) {
    element.textContent = written(new Date(element.dateTime), chosen(element));
  }
}
writeTimes();

// What has changed: the page is asked for again, and only its main part is put in place of the old one.
const pause = Number(main.dataset.live || 0);
let etag = null;
let lastSeen = new Date();
function busyHere() {
  const active = document.activeElement;
  return document.hidden || (active && main.contains(active) && active.matches("input, select"));
}
async function refresh() {
  if (busyHere()) return;
  const asked = { headers: etag ? { "If-None-Match": etag } : {}, cache: "no-store" };
  const answer = await fetch(location.href, asked).catch(() => { throw new Error("the console does not answer; is it still running?"); });
  const page = answer.status === 304 ? null : new DOMParser().parseFromString(await answer.text(), "text/html");
  if (page && !answer.ok) throw new Error([...page.querySelectorAll("#main h1, #main p")].map((one) => one.textContent).join(": "));
  lastSeen = new Date();
  const units = answer.headers.get("X-Read-Units");
  fresh.textContent = `as of ${written(lastSeen)}${units ? `, ${units} read units` : ""}`;
  tellStale(null);
  if (!page) return;
  const first = etag === null && main.dataset.fault === undefined;
  etag = answer.headers.get("ETag");
  if (first) return;
  delete main.dataset.fault;
  document.title = page.title;
  replaceMain(page.querySelector("#main"));
}
// What is shown was true once: since when it may not be, and why. It is said when it begins and when its reason changes.
let staleSince = null;
function tellStale(why) {
  fresh.classList.toggle("stale", why !== null);
  stale.hidden = why === null || main.dataset.fault !== undefined;
  if (why === null) { staleSince = null; stale.textContent = ""; return; }
  staleSince ??= new Date();
  const text = `This page is as of ${written(lastSeen)}. Since ${written(staleSince)} it cannot be renewed: ${why.replace(/[.\s]*$/, ".")} It is asked for again every ${pause} s.`;
  if (stale.textContent !== text) stale.textContent = text;
  fresh.textContent = `stale since ${written(staleSince)}`;
}
function keyOf(element) {
  const at = element.closest("[data-task], form, details, a");
  return at && (at.dataset.task || at.getAttribute("href") || at.getAttribute("action") || at.querySelector("summary")?.textContent);
}
function replaceMain(next) {
  const active = document.activeElement;
  const focused = active && main.contains(active) ? keyOf(active) : null;
  const open = new Map([...main.querySelectorAll("details")].map((one, place) => [place + one.querySelector("summary").textContent, one.open]));
  const scrolls = [...main.querySelectorAll(".graph, pre, table")].map((one) => [one.scrollLeft, one.scrollTop]);
  const top = scrollY;
  main.replaceChildren(...next.childNodes);
  [...main.querySelectorAll("details")].forEach((one, place) => {
    const key = place + one.querySelector("summary").textContent;
    if (open.has(key)) one.open = open.get(key);
  });
  [...main.querySelectorAll(".graph, pre, table")].forEach((one, place) => {
    if (scrolls[place]) [one.scrollLeft, one.scrollTop] = scrolls[place];
  });
  writeTimes();
  if (focused) [...main.querySelectorAll("a, [data-task], summary, button")].find((one) => keyOf(one) === focused)?.focus({ preventScroll: true });
  scrollTo(0, top);
  beginGrid();
  said.textContent = "The page has changed.";
}
if (main.dataset.live !== undefined) {
  const again = async () => {
    try { await refresh(); } catch (fault) { tellStale(fault.message); }
    setTimeout(again, pause * 1000);
  };
  again();
}

// The grid: one of its rows is in the order of tabs; arrows move a cursor, Enter opens the slot under it.
let row = null;
let column = null;
function beginGrid() {
  const tracks = [...main.querySelectorAll(".track")];
  if (!tracks.length) return;
  const grid = main.querySelector("#grid");
  row = tracks.find((one) => one.dataset.task === row?.dataset.task) || tracks[0];
  column ??= Number(grid.dataset.now);
  row.tabIndex = 0;
}
function place(track, at) {
  const columns = Number(main.querySelector("#grid").dataset.columns);
  if (row) row.tabIndex = -1;
  row = track;
  row.tabIndex = 0;
  column = Math.max(0, Math.min(columns - 1, at));
  main.querySelector(".cursor")?.remove();
  const width = track.clientWidth / columns;
  const cursor = document.createElement("div");
  cursor.className = "cursor";
  track.append(cursor);
  cursor.style.left = `${column * width - 1}px`;
  cursor.style.width = `${Math.max(width, 4) + 2}px`;
}
// Of a cursor that moves on, only the last place is asked for, and only its answer is shown.
let telling = 0;
async function tell(open) {
  const mine = ++telling;
  if (!open) await new Promise((resolve) => setTimeout(resolve, 80));
  if (mine !== telling) return;
  const grid = main.querySelector("#grid");
  const since = Date.parse(grid.dataset.since) + column * grid.dataset.column * 1000;
  const asked = new URLSearchParams({ task: row.dataset.task, since: new Date(since).toISOString(), seconds: grid.dataset.column });
  const answer = await fetch(`/cell?${asked}`);
  if (!answer.ok) return;
  const part = new DOMParser().parseFromString(await answer.text(), "text/html").body;
  if (mine !== telling) return;
  const links = part.querySelectorAll("a");
  const box = document.querySelector("#cell");
  if (open && links.length === 1) { location.href = links[0].href; return; }
  box.replaceChildren(...part.childNodes);
  box.hidden = false;
  writeTimes();
  said.textContent = box.textContent;
  if (open) box.querySelector("a")?.focus();
}
if (main.dataset.live !== undefined) {
  document.addEventListener("keydown", (event) => {
    const box = document.querySelector("#cell");
    if (event.key === "Escape" && box && !box.hidden) { box.hidden = true; row?.focus(); return; }
    const track = event.target.closest?.(".track");
    if (!track) return;
    const tracks = [...main.querySelectorAll(".track")];
    const at = tracks.indexOf(track);
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -column], End: [0, 1e6] };
    if (event.key in moves) {
      event.preventDefault();
      const [down, right] = moves[event.key];
      const next = tracks[Math.max(0, Math.min(tracks.length - 1, at + down))];
      place(next, column + right);
      next.focus();
      tell(false);
    } else if (event.key === "Enter") { place(track, column); tell(true); }
  });
  document.addEventListener("click", (event) => {
    const track = event.target.closest?.(".track");
    if (!track) return;
    const columns = Number(main.querySelector("#grid").dataset.columns);
    const box = track.getBoundingClientRect();
    place(track, Math.floor((event.clientX - box.left) / box.width * columns));
    track.focus({ preventScroll: true });
    tell(false);
  });
}
beginGrid();
