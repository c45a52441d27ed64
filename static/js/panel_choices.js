// Links that choose what a panel shows. A link may have been drawn before choices of other panels:
// the address of the page knows them all.
document.addEventListener("htmx:configRequest", (event) => {
  const choice = event.detail.elt.closest("[data-choice]");
  if (!choice) return;
  const query = new URLSearchParams(location.search);
  if (choice.dataset.key) query.set(choice.dataset.choice, choice.dataset.key);
  else query.delete(choice.dataset.choice);
  event.detail.path = `${location.pathname}?${query}`;
});
