// Counts the ticked rows of a table, where they can be acted on.
document.addEventListener("change", (event) => {
  const all = event.target.closest("[data-pick-all]");
  if (all) for (const box of document.querySelectorAll("input[name=pick]")) box.checked = all.checked;
  const output = document.querySelector("[data-picked]");
  if (!output || !event.target.closest("[data-pick-all], input[name=pick]")) return;
  const number = document.querySelectorAll("input[name=pick]:checked").length;
  output.textContent = number ? `${number} selected:` : "Select groups:";
  output.closest(".act-bar").classList.toggle("ready", number > 0);
});
