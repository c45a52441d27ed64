// The slider of the CPI panel moves the field, and the field moves the slider.
import { readAmount } from "./typed_numbers.js";

// The price that is so many per cent above another, in coins; finer where coins would not move it.
export function priceAt(price, percent, digits) {
  if (!percent) return price;
  const decimals = digits === 3 ? 4 : digits; // 2.735 could be read as 2,735
  const exact = Number(price) * (100 + percent) / 100, coins = exact.toFixed(decimals);
  return Number(coins) === Number(price) ? exact.toFixed(Math.min(decimals + 2, 4)) : coins;
}

function showPercent(slider, percent) {
  const text = `${percent > 0 ? "+" : percent < 0 ? "−" : ""}${Math.abs(percent)} %`;
  slider.parentElement.querySelector("output").textContent = text;
  slider.setAttribute("aria-valuetext", text);
}

document.addEventListener("input", (event) => {
  const slider = event.target.closest("[data-slides]");
  if (!slider) return;
  const field = document.getElementById(slider.dataset.slides), percent = Number(slider.value);
  field.value = field.defaultValue = priceAt(slider.dataset.price, percent, Number(slider.dataset.digits));
  slider.defaultValue = slider.value; // taken over, not typed
  showPercent(slider, percent);
  field.dispatchEvent(new CustomEvent("input", { bubbles: true, detail: "slider" }));
});

document.addEventListener("input", (event) => {
  const slider = document.querySelector(`[data-slides="${CSS.escape(event.target.id)}"]`);
  if (!slider || event.detail === "slider") return;
  const price = readAmount(event.target.value, event.target.dataset.most);
  if (!price) return;
  const percent = Math.round((price / Number(slider.dataset.price) - 1) * 100);
  slider.value = slider.defaultValue = percent;
  showPercent(slider, percent);
});
