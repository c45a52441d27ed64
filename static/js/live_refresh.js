// Refreshes the live region of a page: conditionally, and never while somebody works in it.
import { drawTimes } from "./times.js";

const REFRESH_EVERY = 30000; // milliseconds

const liveRegion = () => document.querySelector("[data-live]");

function isInUse(region) {
  const active = document.activeElement;
  if (document.hidden) return true;
  if (active && region.contains(active) && active.matches("input, select, textarea, button")) return true;
  if (document.querySelector("[data-form], :popover-open") || region.querySelector("input[name=pick]:checked")) return true;
  const selection = getSelection();
  return Boolean(selection && !selection.isCollapsed && region.contains(selection.anchorNode));
}

function refresh() {
  const region = liveRegion();
  if (region && window.htmx && !isInUse(region)) window.htmx.trigger(region, "refresh");
}

setInterval(refresh, REFRESH_EVERY);
document.addEventListener("fieldwatch:tick", refresh);

document.addEventListener("htmx:configRequest", (event) => {
  const region = liveRegion();
  if (!region || event.detail.elt !== region) return;
  event.detail.path = location.pathname + location.search;
  event.detail.headers["If-None-Match"] = region.dataset.etag;
});

// What was selected while a refresh was under way stays selected: the next one brings the news.
document.addEventListener("htmx:beforeSwap", (event) => {
  const region = liveRegion();
  if (region && event.detail.requestConfig?.elt === region && isInUse(region)) event.detail.shouldSwap = false;
});

document.addEventListener("htmx:afterRequest", (event) => {
  const stamp = event.detail.xhr.getResponseHeader("Read-At");
  const element = document.querySelector("time[data-read]");
  if (stamp && element) element.dateTime = stamp;
  drawTimes();
});

// Details that were open stay open when their region is replaced.
let openDetails = []; // ids
document.addEventListener("htmx:beforeSwap", (event) => {
  openDetails = [...event.detail.target.querySelectorAll("details[open][id]")].map((details) => details.id);
});
function openAgain() {
  for (const id of openDetails) {
    const details = document.getElementById(id);
    if (details) details.open = true;
  }
}
// A form that was put in has the focus: at what is wrong, at the field it names, or at its first one.
function focusForm(place) {
  const form = place.matches?.("[data-form]") ? place : place.querySelector?.("[data-form]");
  const fields = "input:not([type=hidden], :disabled), select, textarea, button, a[href]";
  const chosen = form?.querySelector("[aria-invalid=true]") ?? place.querySelector?.("[data-focus]")
    ?? form?.querySelector(fields);
  (chosen?.checkVisibility() ? chosen : form)?.focus();
}
document.addEventListener("htmx:afterSwap", openAgain); // a key that is pressed at once finds its lines
document.addEventListener("htmx:afterSettle", (event) => {
  drawTimes();
  openAgain(); // settling has set their attributes as they came
  focusForm(event.target);
});
