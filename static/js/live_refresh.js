// Refreshes the live region of a page: conditionally, and never while somebody works in it.
import { keepPlace, restorePlace } from "./kept_place.js";
import { drawTimes, setClock } from "./times.js";

const REFRESH_EVERY = 30000; // milliseconds

const liveRegion = () => document.querySelector("[data-live]");

function isInUse(region) {
  const active = document.activeElement, selection = getSelection();
  if (region.contains(active) && active.matches("input, select, textarea")) return true;
  if (selection.rangeCount && !selection.isCollapsed && selection.getRangeAt(0).intersectsNode(region)) return true;
  if (!region.matches("[data-live]")) return false;
  if (region.contains(active) && active.matches("button")) return true;
  return Boolean(document.querySelector("[data-form], :popover-open") || region.querySelector("input[name=pick]:checked"));
}

function refresh() {
  const region = liveRegion();
  if (region && window.htmx && !document.hidden && !isInUse(region)) window.htmx.trigger(region, "refresh");
}

setInterval(refresh, REFRESH_EVERY);
document.addEventListener("fieldwatch:tick", refresh);

document.addEventListener("htmx:configRequest", (event) => {
  const region = liveRegion();
  const isAutomatic = event.detail.elt.matches("[data-live], [hx-trigger^=every], [hx-trigger^=load]");
  if (isAutomatic) event.detail.headers["X-Automatic"] = "1"; // no use of the session (`sessions.py`)
  if (!region || event.detail.elt !== region) return;
  event.detail.path = location.pathname + location.search;
  event.detail.headers["If-None-Match"] = region.dataset.etag;
});

// A region that asks for itself, by the clock: nobody has clicked, so nothing may move.
const isItsOwn = ({ detail: { target, requestConfig } }) => target === requestConfig?.elt
  && target.matches("[data-live], [hx-trigger^=every]");

// What was selected while a refresh was under way stays selected: the next one brings the news.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { detail } = event;
  if (isItsOwn(event) && isInUse(detail.target)) detail.shouldSwap = false;
  if (detail.shouldSwap) keepPlace(detail.target, isItsOwn(event));
});

document.addEventListener("htmx:afterRequest", (event) => {
  const { xhr } = event.detail;
  const stamp = xhr.getResponseHeader("Read-At");
  const element = document.querySelector("time[data-read]");
  if (stamp && element) element.dateTime = stamp;
  setClock(xhr.getResponseHeader("Date"));
  drawTimes();
});

// A form that was put in has the focus: at what is wrong, at the field it names, or at its first one.
function focusForm(place) {
  const form = place.matches?.("[data-form]") ? place : place.querySelector?.("[data-form]");
  const fields = "input:not([type=hidden], :disabled), select, textarea, button, a[href]";
  const chosen = form?.querySelector("[aria-invalid=true]") ?? place.querySelector?.("[data-focus]")
    ?? form?.querySelector(fields);
  (chosen?.checkVisibility() ? chosen : form)?.focus();
}
document.addEventListener("htmx:afterSwap", restorePlace); // a key that is pressed at once finds its lines
document.addEventListener("htmx:afterSettle", (event) => {
  drawTimes();
  const isKept = restorePlace(); // settling has set attributes as they came
  if (!isKept) focusForm(event.target);
});
