// Where the server does not answer, a form says so and can be sent again; a link is followed.
const FILTERS_MESSAGE = "Fieldwatch did not answer and the table has not changed. Try again.";
const FORM_MESSAGE = "Fieldwatch did not answer. Your entries are still here; try again. "
  + "However often you send the form, the change is made only once.";

function showUnanswered({ detail: { elt, xhr } }) {
  const form = elt.closest("form[data-keep], form[data-filters]");
  if (elt.matches("a[href]")) location.assign(elt.href);
  if (!form) return;
  const isFilters = form.matches("[data-filters]");
  if (elt === form && !isFilters && xhr.status === 403) location.assign(form.action);
  const button = form.querySelector("button[data-word]");
  if (button) Object.assign(button, { disabled: false, textContent: button.dataset.word });
  form.querySelector(".unanswered")?.remove();
  const message = document.createElement("p");
  Object.assign(message, { className: "error unanswered", role: "alert" });
  message.textContent = isFilters ? FILTERS_MESSAGE : FORM_MESSAGE;
  form.prepend(message);
}

for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, showUnanswered);
}

// A link whose panel is not on this page leads to the page of its form.
document.addEventListener("htmx:targetError", ({ detail: { elt } }) => {
  if (elt.matches("a[href]")) location.assign(elt.href);
});

// A page that the browser kept from before may show forms as they were when they were sent.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
