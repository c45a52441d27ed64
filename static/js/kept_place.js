// What a refresh must not take from whoever reads the page: the place they scrolled to, sideways too; what they
// opened or closed, typed or chose; and the focus.

const NAMED = "[id], [data-line]";

// A selector of an element that finds it again in the same page with newer values: from its id or line, or from
// the nearest one around it.
function selectorOf(element, root) {
  const steps = [];
  for (let node = element; node !== root; node = node.parentElement) {
    const line = node.dataset.line;
    if (node.id || line) {
      steps.unshift(node.id ? `#${CSS.escape(node.id)}` : `[data-line="${CSS.escape(line)}"]`);
      return steps.join(" > ");
    }
    const alike = [...node.parentElement.children].filter(({ localName }) => localName === node.localName);
    steps.unshift(`${node.localName}:nth-of-type(${alike.indexOf(node) + 1})`);
  }
  return [":scope", ...steps].join(" > ");
}

const isChanged = (field) => field.matches("select")
  ? [...field.options].some((option) => option.selected !== option.defaultSelected)
  : field.value !== field.defaultValue || field.checked !== field.defaultChecked;

// Whether an element moves with the page, unlike the heading of a long table.
function isScrolled(element, root) {
  for (let node = element; node !== root; node = node.parentElement) {
    if (["sticky", "fixed"].includes(getComputedStyle(node).position)) return false;
  }
  return true;
}

// The first thing that begins on screen, and how far it is from the top, in pixels.
function findAnchor(root) {
  if (!window.scrollY) return null;
  const element = [...root.querySelectorAll(NAMED)].find((each) => {
    const { top, height } = each.getBoundingClientRect();
    return height && top >= 0 && isScrolled(each, root);
  });
  return element && { selector: selectorOf(element, root), top: element.getBoundingClientRect().top };
}

let kept = null; // of the last swap
const keptRoot = () => document.getElementById("main") ?? document.body;

// Remembers the state of the page before a part of it is replaced; `all`: nobody has clicked, so that not
// only what stood open must be there again.
export function keepPlace(target, all) {
  const root = keptRoot();
  if (!all) {
    const details = [...target.querySelectorAll("details[open][id]")];
    kept = { all, details: details.map(({ id }) => [`#${CSS.escape(id)}`, true]) };
    return;
  }
  const select = (elements, value) => elements.map((each) => [selectorOf(each, root), value(each)]);
  const active = document.activeElement;
  kept = {
    all,
    details: select([...root.querySelectorAll("details")], ({ open }) => open),
    scrolled: select(
      [...root.querySelectorAll("*")].filter((each) => each.scrollLeft || each.scrollTop),
      ({ scrollLeft, scrollTop }) => ({ scrollLeft, scrollTop }),
    ),
    typed: select(
      [...root.querySelectorAll("input:not([type=hidden], [type=file]), select, textarea")].filter(isChanged),
      ({ type, value, checked }) => (type === "checkbox" || type === "radio" ? { checked } : { value }),
    ),
    focus: root.contains(active) && active !== root && {
      selector: selectorOf(active, root),
      href: active.getAttribute("href"),
      line: active.closest("[data-line]")?.dataset.line,
    },
    anchor: findAnchor(root),
    scrollY: window.scrollY,
  };
}

function restoreFocus(root, { selector, href, line }) {
  if (document.activeElement !== document.body) return;
  const isSame = (element) => element && element.getAttribute("href") === href;
  const linked = href && root.querySelector(`a[href="${CSS.escape(href)}"]`);
  const inLine = line && root.querySelector(`[data-line="${CSS.escape(line)}"]`);
  const element = [root.querySelector(selector), linked].find(isSame) || inLine;
  element?.focus({ preventScroll: true });
}

// Gives the page its state back, and returns whether all of it was kept.
export function restorePlace() {
  if (!kept) return false;
  const root = keptRoot();
  const each = (pairs, restore) => {
    for (const [selector, value] of pairs ?? []) {
      const element = root.querySelector(selector);
      if (element) restore(element, value);
    }
  };
  each(kept.details, (details, open) => {
    if (details.open !== open) details.open = open;
  });
  if (!kept.all) return false;
  each(kept.typed, Object.assign);
  each(kept.scrolled, Object.assign);
  if (kept.focus) restoreFocus(root, kept.focus);
  const anchor = kept.anchor && root.querySelector(kept.anchor.selector);
  const top = anchor ? window.scrollY + anchor.getBoundingClientRect().top - kept.anchor.top : kept.scrollY;
  if (kept.placed === undefined || kept.placed !== top) window.scrollTo({ top, behavior: "instant" });
  kept.placed = top;
  return true;
}
