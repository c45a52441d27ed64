// Draws ages and local times in the browser, so that an unchanged page stays unchanged. Ages are by the
// server's clock: a computer's own may be wrong.
const MINUTE = 60, HOUR = 3600, DAY = 86400; // seconds
const REDRAW_EVERY = 15000; // milliseconds

const formatIn = (timeZone) => new Intl.DateTimeFormat("en-GB", {
  weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone,
});

const localFormat = (() => {
  try {
    return formatIn(document.documentElement.dataset.zone);
  } catch {
    return formatIn(undefined); // this browser does not know the zone
  }
})();

function formatLocalTime(stamp) {
  const parts = Object.fromEntries(localFormat.formatToParts(stamp).map((part) => [part.type, part.value]));
  return `${parts.weekday} ${parts.day} ${parts.month} ${parts.hour}:${parts.minute}`;
}

// An age in seconds, as words.
export function formatAge(seconds) {
  if (seconds < 0) return "just now";
  if (seconds < 45) return `${Math.round(seconds)} s ago`;
  if (seconds < 90 * MINUTE) return `${Math.round(seconds / MINUTE)} min ago`;
  if (seconds < 36 * HOUR) return `${Math.round(seconds / HOUR)} h ago`;
  return `${Math.round(seconds / DAY)} days ago`;
}

// Milliseconds by which the server's clock is ahead of this computer's.
let ahead = (() => {
  const rendered = Number(document.documentElement.dataset.now) * 1000;
  const [navigation] = performance.getEntriesByType("navigation");
  return rendered ? rendered + performance.now() - (navigation?.responseStart ?? 0) - Date.now() : 0;
})();

// Sets the clock by the Date header of an answer that has just come.
export function setClock(date) {
  const stamp = Date.parse(date ?? "");
  if (stamp) ahead = stamp - Date.now();
}

export function drawTimes() {
  const now = Date.now() + ahead;
  for (const element of document.querySelectorAll("time[data-ago]")) {
    const seconds = (now - Date.parse(element.dateTime)) / 1000;
    element.textContent = formatAge(seconds);
    const limit = Number(element.dataset.stale);
    if (limit) element.classList.toggle("stale", seconds > limit);
  }
  for (const element of document.querySelectorAll("time[data-local]")) {
    element.textContent = formatLocalTime(Date.parse(element.dateTime));
  }
}

drawTimes();
setInterval(drawTimes, REDRAW_EVERY);
