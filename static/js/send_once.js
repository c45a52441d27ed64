// Sends a form once, and lets nothing be typed in the meantime. A form about the table on screen also
// sends the table's current query.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches("[data-here]")) form.elements.query.value = location.search.slice(1);
  if (form.method === "post" && !event.defaultPrevented) form.inert = true;
  const button = event.submitter;
  if (!button?.matches("[data-once]")) return;
  button.dataset.word = button.textContent;
  setTimeout(() => { button.disabled = true; }); // after its own name and value are in what is sent
  button.textContent = button.dataset.once;
});
