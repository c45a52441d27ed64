// A form that was sent after the session had ended is kept in this tab, for the same person, until
// its page is open again: then it is shown as it was typed.
const STORAGE_KEY = "kept";
const { person, posted } = document.body.dataset;

document.addEventListener("submit", ({ target: form }) => {
  if (!form.matches("[data-keep]")) return;
  const fields = [...new FormData(form)].filter(([name]) => name !== "csrfmiddlewaretoken" && name !== "kept");
  const { pathname, search } = new URL(form.action);
  sessionStorage.setItem(STORAGE_KEY, JSON.stringify({ person, to: pathname + search, said: fields }));
}, true); // before the fields are switched off

// An answer that is shown in place of the form is an answer: nothing of it is kept.
document.addEventListener("htmx:beforeSwap", ({ detail: { requestConfig, shouldSwap } }) => {
  if (shouldSwap && requestConfig.elt.matches("form[data-keep]")) sessionStorage.removeItem(STORAGE_KEY);
});

function sendAgain({ to: path, said: fields }) {
  const form = document.createElement("form");
  Object.assign(form, { method: "post", action: path, hidden: true });
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  for (const [name, value] of [...fields, ["kept", "1"], ["csrfmiddlewaretoken", token]]) {
    const field = document.createElement("textarea");
    Object.assign(field, { name, value });
    form.append(field);
  }
  document.body.append(form);
  form.submit();
}

const keptForm = JSON.parse(sessionStorage.getItem(STORAGE_KEY));
if (keptForm && !person) document.querySelector("[data-kept]")?.removeAttribute("hidden");
if (keptForm && person) {
  sessionStorage.removeItem(STORAGE_KEY);
  const isItsPage = keptForm.to === location.pathname + location.search;
  if (posted === undefined && keptForm.person === person && isItsPage) sendAgain(keptForm);
}
