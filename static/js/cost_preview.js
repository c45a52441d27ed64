// What a new price costs is shown before it is sent.
import { readAmount } from "./typed_numbers.js";

// A sentence on the cost of a price, or nothing where it cannot be worked out. `text` is the price as
// typed; the rest are the texts of the field's data attributes.
export function describeCost(text, { left, price, spent, budget, currency, most }) {
  const amount = readAmount(text, most);
  if (left === undefined || !amount) return "";
  const money = (sum) => `${Math.round(Math.abs(sum)).toLocaleString("en-GB")} ${currency}`;
  const cost = amount * Number(left), more = cost - Number(price) * Number(left);
  const change = price && more ? ` (${more > 0 ? "+" : "−"}${money(more)})` : "";
  const factor = Number(text) === amount ? text : amount;
  const toCome = `${Number(left).toLocaleString("en-GB")} × ${factor} = ${money(cost)} still to spend${change}.`;
  if (spent === undefined) return toCome;
  const total = Number(spent) + cost;
  const sentence = `${toCome} Cost if the goal is reached: ${money(total)}`;
  if (budget === undefined) return `${sentence}.`;
  const rest = Number(budget) - total, side = rest >= 0 ? "under" : "OVER";
  return `${sentence}, ${money(rest)} ${side} the budget of ${money(budget)}.`;
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
