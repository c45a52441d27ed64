// Buttons that fill in a field, and buttons that copy one.

// A suggestion is taken over into its field, to be sent with the rest.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-fill]");
  const field = button && document.getElementById(button.dataset.fill);
  if (!field) return;
  event.preventDefault(); // without scripts it is a link
  field.value = field.defaultValue = button.dataset.value; // taken over, not typed
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
});

// Text goes to the clipboard; where the browser forbids that, it is selected to be copied by hand.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const field = document.getElementById(button.dataset.copy);
  const answer = button.parentElement.querySelector("[data-copied]");
  try {
    await navigator.clipboard.writeText(field.value ?? field.textContent);
    answer.textContent = "Copied";
  } catch {
    field.focus();
    if (field.select) field.select();
    else getSelection().selectAllChildren(field);
    answer.textContent = "Selected: press Ctrl+C or ⌘C to copy";
  }
});
