// Lists by keys: j and k move, x selects; in the to-do list r does what a line offers first, e acknowledges,
// s snoozes, a opens the menu, u undoes. On every page ? lists the keys.

// The buttons stand outside their form, where htmx does not see which of them was pressed.
document.addEventListener("htmx:configRequest", ({ detail: { elt, parameters, triggeringEvent } }) => {
  const button = triggeringEvent?.submitter;
  if (elt.matches("#todo, #todo-one") && button?.name) parameters.set(button.name, button.value);
});

let currentLine = ""; // data-line of the line that was last gone to

const shownLines = () => [...document.querySelectorAll("[data-line]")].filter((line) => line.checkVisibility());
const findLine = (name) => document.querySelector(`[data-line="${CSS.escape(name)}"]`);

function goTo(line) {
  if (!line) return;
  currentLine = line.dataset.line;
  line.focus({ preventScroll: true });
  line.scrollIntoView({ block: "nearest" });
}

function move(step) {
  const lines = shownLines();
  const place = lines.findIndex((line) => line.dataset.line === currentLine);
  goTo(place < 0 ? lines[0] : lines[Math.min(Math.max(place + step, 0), lines.length - 1)]);
}

const pickOf = (line) => line?.querySelector("input[name=pick]");
function select() {
  const line = findLine(currentLine);
  if (!line?.matches("summary")) return pickOf(line)?.click();
  const picks = [...line.closest("details").querySelectorAll("input[name=pick]")];
  const isOff = picks.some((pick) => !pick.checked);
  for (const pick of picks) if (pick.checked !== isOff) pick.click();
}

// Of selected lines the button of the bar is pressed; otherwise that of the line or of its remedy.
function press(key, act) {
  if (document.querySelector("#live input[name=pick]:checked")) {
    document.querySelector(`[data-items-bar] button[value="${act}"]`)?.click();
    return;
  }
  const line = findLine(currentLine);
  const place = line?.matches("summary") ? line.closest(".remedy").querySelector(":scope > .acts") : line;
  const button = place?.querySelector(`[data-act="${key}"]`);
  if (!button) return;
  const lines = shownLines(), next = lines[lines.indexOf(line) + 1] ?? lines[lines.indexOf(line) - 1];
  currentLine = next?.dataset.line ?? "";
  button.click();
}

// One menu serves all lines: it learns from the button for which line it opens, and opens below it.
function openLineMenu(button) {
  const menu = document.getElementById("line-menu"), mute = menu.querySelector(".mute");
  menu.querySelector("[name=pick]").value = button.dataset.more;
  const people = document.getElementById("assign-to").cloneNode(true).options;
  const choice = menu.querySelector("select");
  choice.replaceChildren(...people);
  choice.value = "";
  const complete = menu.querySelector(".complete");
  complete.hidden = !button.dataset.complete;
  complete.querySelector("button").value = button.dataset.complete ?? "";
  mute.hidden = !button.dataset.mute;
  mute.querySelector("a").href = button.dataset.mute ?? "";
  const place = button.getBoundingClientRect();
  menu.style.top = `${Math.min(place.bottom + 4, window.innerHeight - 150)}px`;
  menu.style.right = `${Math.max(document.documentElement.clientWidth - place.right, 8)}px`;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-more]");
  if (button) openLineMenu(button);
});
document.addEventListener("htmx:beforeRequest", ({ detail: { elt } }) => {
  if (elt.id === "todo-one") document.getElementById("line-menu").hidePopover();
});

// The first button or link of a line, or of the remedy of a heading: Resume, Extend, Change CPI.
function act() {
  const line = findLine(currentLine);
  const place = line?.matches("summary") ? line.closest(".remedy").querySelector(":scope > .acts") : line;
  place?.querySelector(line.matches("summary") ? "button[form^=act-]" : ".acts :is(a.button, button)")?.click();
}

const EVERYWHERE = {
  "?": () => document.getElementById("keys").showModal(),
};
const IN_LISTS = {
  j: () => move(1),
  k: () => move(-1),
  x: select,
};
const IN_TODO = {
  r: act,
  e: () => press("e", "acknowledge"),
  s: () => press("s", "snooze-1d"),
  a: () => findLine(currentLine)?.querySelector("[data-act=a]")?.click(),
  u: () => document.querySelector("[data-undo]")?.click(),
};

function actionOf(key) {
  if (document.getElementById("todo") && IN_TODO[key]) return IN_TODO[key];
  if (document.querySelector("[data-line]") && IN_LISTS[key]) return IN_LISTS[key];
  return document.getElementById("keys") && EVERYWHERE[key];
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input:not([type=checkbox]), select, textarea, dialog[open], [popover]")) return;
  if (event.key === "Enter" && event.target.matches("tr[data-line]")) {
    event.target.querySelector("[data-open], td.name a")?.click();
    return;
  }
  const action = actionOf(event.key);
  if (!action) return;
  event.preventDefault();
  action();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-keys]")) EVERYWHERE["?"]();
});
document.addEventListener("focusin", (event) => {
  const line = event.target.closest("[data-line]");
  if (line) currentLine = line.dataset.line;
});
// After a click took lines away, the keys go on where they were.
for (const name of ["htmx:afterSwap", "htmx:afterSettle"]) {
  document.addEventListener(name, ({ target }) => {
    if (target.id === "live" && currentLine && document.activeElement === document.body) goTo(findLine(currentLine));
  });
}
