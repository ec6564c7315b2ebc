// What the console adds when scripts run: parts that change by themselves, relative times, keys. Everything reads without it.
"use strict";

const page = document.body;

// --- live parts ------------------------------------------------------------------------------------------------------

let source = null;

function show(name, part) {
  const element = document.getElementById("live-" + name);
  if (!element || element.dataset.version === part.version) return;
  const focused = document.activeElement;
  const href = element.contains(focused) ? focused.getAttribute("href") : null;
  // What somebody is typing stays, whatever else comes in; a tick does not, since it was for what was shown.
  const typed = [...element.querySelectorAll("textarea")].map((field) => [field.id, field.value, field === focused, field.selectionStart]);
  element.innerHTML = part.html;
  element.dataset.version = part.version;
  for (const [id, value, hadFocus, at] of typed) {
    const field = element.querySelector("#" + CSS.escape(id));
    if (!field) continue;
    field.value = value;
    if (hadFocus) { field.focus({ preventScroll: true }); field.setSelectionRange(at, at); }
  }
  if (href) element.querySelector(`[href="${CSS.escape(href)}"]`)?.focus();
  if (name === "pending") title();
}

function title() {
  const waiting = Number(document.getElementById("live-pending")?.textContent || 0);
  document.title = (waiting ? `(${waiting}) ` : "") + document.title.replace(/^\(\d+\) /, "");
}

function connect() {
  if (source || !page.dataset.live) return;
  const state = document.getElementById("link-state");
  source = new EventSource(page.dataset.live);
  source.addEventListener("open", () => { if (state) state.hidden = true; });
  source.addEventListener("error", () => {
    if (state) state.hidden = false;
    // Refused for good, as after the session ended: the page itself says why.
    if (source?.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 2000);
  });
  source.addEventListener("ended", () => location.reload());
  source.addEventListener("parts", (event) => {
    for (const [name, part] of Object.entries(JSON.parse(event.data))) show(name, part);
    tell();
  });
}

function disconnect() {
  source?.close();
  source = null;
}

// A tab that nobody sees needs no stream: browsers allow six to a host.
document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : connect()));
window.addEventListener("pagehide", disconnect);
window.addEventListener("pageshow", connect);

// --- times -----------------------------------------------------------------------------------------------------------

const two = (n) => String(n).padStart(2, "0");

function span(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} days`;
}

const styles = {
  clock: (at, now) =>
    (now - at > 86400000 ? `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ` : "") +
    `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`,
  full: (at) => at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" }),
  ago: (at, now) => `${span(Math.max(0, now - at) / 1000)} ago`,
  until: (at, now) => {
    const left = (at - now) / 1000;
    return left <= 0 ? "time is up" : left < 3600 ? `${Math.floor(left / 60)}:${two(Math.floor(left % 60))} left` : `${span(left)} left`;
  },
};

function tell() {
  const now = new Date();
  for (const element of document.querySelectorAll("time[data-style]")) {
    const at = new Date(element.dateTime);
    const text = styles[element.dataset.style](at, now);
    if (element.textContent !== text) element.textContent = text;
    if (element.dataset.style === "until") element.classList.toggle("soon", at - now < 60000);
  }
}

// --- keys: j and k go along the rows, slash to the search ------------------------------------------------------------

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
  if (event.key === "/") {
    const search = document.querySelector("[data-search]");
    if (search) { event.preventDefault(); search.focus(); }
  }
  if (event.key === "j" || event.key === "k") {
    const rows = [...document.querySelectorAll("[data-row]")];
    const at = rows.indexOf(document.activeElement);
    rows[Math.min(rows.length - 1, Math.max(0, at + (event.key === "j" ? 1 : -1)))]?.focus();
  }
});

// An answer is sent once, however often the button is pressed.
document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));

title();
tell();
setInterval(tell, 1000);
