// Filters of a table answer as they are chosen, and leave a short address behind.

// Removes empty names from the address; the choice of columns becomes one word, or none.
export function tidyQuery(form, query) {
  for (const [name, value] of [...query.entries()]) if (value === "") query.delete(name);
  const columns = form.querySelector("[data-columns]");
  if (columns) {
    const chosen = query.getAll("col"), usual = columns.dataset.columns.split(" ");
    query.delete("col");
    const isUsual = chosen.length === usual.length && chosen.every((name) => usual.includes(name));
    if (!isUsual) query.append("cols", chosen.join("."));
  }
  if ([...query.keys()].length === 0) query.append("q", "");
}

document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.elt.matches("form[data-filters]")) tidyQuery(event.detail.elt, event.detail.formData);
});

document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) document.querySelector("[data-filters] > .unanswered")?.remove();
});

document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-filters]");
  if (form) form.requestSubmit();
});
