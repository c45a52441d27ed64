// Menus, the panels of forms, and the keys that open and close them.

const PANELS = "#form-here, #note-here";
let lastOpener; // the element that opened the panel
document.addEventListener("htmx:beforeRequest", ({ detail: { elt, target } }) => {
  if (target.matches(PANELS)) lastOpener = elt;
});

// The panel of a form closes without a round trip, and gives the focus back.
function closePanel(form) {
  const opener = lastOpener?.isConnected ? lastOpener : document.getElementById(form.dataset.form);
  form.remove();
  if (opener) opener.focus();
}

function isChanged(field, form) {
  if (field.matches("option")) {
    return field.selected !== field.defaultSelected && form.querySelector("option[selected]");
  }
  return field.value !== field.defaultValue || field.checked !== field.defaultChecked;
}

function isTypedIn(form) {
  const fields = [...form.querySelectorAll("input, textarea, option")];
  return fields.some((field) => isChanged(field, form));
}

function setMenuOpen(open) {
  document.querySelector(".top").classList.toggle("open", open);
  document.querySelector(".menu").setAttribute("aria-expanded", String(open));
}

document.addEventListener("click", (event) => {
  const closer = event.target.closest("[data-close]");
  if (closer) {
    const form = closer.closest("[data-form]");
    if (!form || !form.closest(PANELS)) return;
    event.preventDefault();
    closePanel(form);
  }
  for (const box of document.querySelectorAll("details[data-menu][open]")) {
    if (!box.contains(event.target)) box.open = false;
  }
  if (event.target.closest(".menu")) setMenuOpen(!document.querySelector(".top.open"));
});

function closeByKey(target) {
  const box = target.closest("details[data-menu][open]");
  if (box) {
    box.open = false;
    box.querySelector("summary").focus();
  } else if (document.querySelector(".top.open .menu")?.checkVisibility()) {
    setMenuOpen(false);
    document.querySelector(".menu").focus();
  } else {
    const form = target.closest(`:is(${PANELS}) [data-form]`);
    if (form && !isTypedIn(form)) closePanel(form); // a key throws away nothing that was typed
  }
}

function goToSearch(event) {
  const search = document.getElementById("search");
  if (!search) return;
  event.preventDefault();
  setMenuOpen(true);
  search.focus();
  search.select();
}

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input, select, textarea, [contenteditable]");
  if (event.key === "Escape") closeByKey(event.target);
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) goToSearch(event);
});
