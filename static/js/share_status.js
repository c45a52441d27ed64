// Buttons of the page that shares a status.

// Prints the page, from a button.
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});

// Copies an email with its format: as HTML for editors of emails, as text for everything else.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy-email]");
  if (!button) return;
  const [html, text] = button.dataset.copyEmail.split(" ").map((id) => document.getElementById(id));
  const answer = button.parentElement.querySelector("[data-copied]");
  const as = (type, field) => [type, new Blob([field.value], { type })];
  try {
    const item = new ClipboardItem(Object.fromEntries([as("text/html", html), as("text/plain", text)]));
    await navigator.clipboard.write([item]);
    answer.textContent = "Copied. Paste it into your email.";
  } catch {
    text.closest("details").open = true;
    text.focus();
    text.select();
    answer.textContent = "Selected: press Ctrl+C or ⌘C to copy";
  }
});
