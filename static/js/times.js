// Draws ages and local times in the browser, so that an unchanged page stays unchanged.
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

export function drawTimes() {
  const now = Date.now();
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
