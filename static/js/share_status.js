// Buttons of the page that shares a status.

// Prints the page.
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});

// Copies an email with its format: as HTML for editors of emails, as text for everything else. The
// event of the browser's own copying takes both as they are; the clipboard API would parse the HTML
// under the page's content policy, which forbids the styles that an email needs.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy-email]");
  if (!button) return;
  const [html, text] = button.dataset.copyEmail.split(" ").map((id) => document.getElementById(id));
  const answer = button.parentElement.querySelector("[data-copied]");
  const fill = (copying) => {
    copying.clipboardData.setData("text/html", html.value);
    copying.clipboardData.setData("text/plain", text.value);
    copying.preventDefault();
  };
  document.addEventListener("copy", fill);
  const isCopied = document.execCommand("copy");
  document.removeEventListener("copy", fill);
  answer.textContent = isCopied ? "Copied. Paste it into your email." : "Selected: press Ctrl+C or ⌘C to copy";
  if (isCopied) return;
  text.closest("details").open = true;
  text.focus();
  text.select();
});
