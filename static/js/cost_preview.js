// What a new price costs is shown before it is sent.

// A sentence on the cost of a price, or nothing where it cannot be worked out. `text` is the price as
// typed; the rest are the texts of the field's data attributes.
export function describeCost(text, { left, price, spent, budget, currency }) {
  if (left === undefined || !/^\d+(\.\d+)?$/.test(text) || !Number(text)) return "";
  const money = (sum) => `${Math.round(sum).toLocaleString("en-GB")} ${currency}`;
  const ahead = Number(text) * Number(left), more = ahead - Number(price) * Number(left);
  let sentence = `${Number(left).toLocaleString("en-GB")} completes to come × ${text} = ${money(ahead)}`;
  if (price && more) sentence += `, ${money(Math.abs(more))} ${more > 0 ? "more" : "less"} than now`;
  if (spent === undefined) return `${sentence}.`;
  const total = Number(spent) + ahead;
  sentence += `. In the end ${money(total)}`;
  if (budget === undefined) return `${sentence}.`;
  const rest = Number(budget) - total;
  return `${sentence}: ${money(Math.abs(rest))} ${rest >= 0 ? "below" : "ABOVE"} the budget of ${money(budget)}.`;
}

document.addEventListener("input", (event) => {
  const field = event.target.closest("[data-cost]");
  if (!field) return;
  const output = document.getElementById(field.getAttribute("aria-describedby").split(" ")[0]);
  output.textContent = describeCost(field.value.trim(), field.dataset) || output.dataset.help;
});

// A preview goes once its form is typed in again: it no longer shows what would be sent.
document.addEventListener("input", (event) => {
  if (event.target.closest("[data-form=act]")) document.querySelector("[data-preview]")?.remove();
});
