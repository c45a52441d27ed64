// Draws the figure in the head of a page while the page itself is still being made: beside it, in the
// width that the chart had last time in a window of this width. It moves to its place when that is there.
import { figureOfPage, loadPlotly } from "./chart_figures.js";

const keyOf = (id) => `chart-width ${id} ${innerWidth}`;

export function rememberWidth(chart) {
  try {
    localStorage.setItem(keyOf(chart.id), chart.clientWidth);
  } catch { /* storage is full or forbidden: the next chart is drawn when its place is there */ }
}

function rememberedWidth(id) {
  try {
    return Number(localStorage.getItem(keyOf(id)));
  } catch {
    return 0;
  }
}

const drawings = new Map(); // of ids of charts, to the promise of a drawn plot
const hasStyles = () => getComputedStyle(document.documentElement).getPropertyValue("--paper") !== "";

// Starts to draw; nothing where the width is not known, the style sheet is still on its way, or the place
// is there already.
export function drawAhead(drawFigure) {
  for (const script of document.head.querySelectorAll("script[id$=-drawn]")) {
    const id = script.id.replace(/-drawn$/, "");
    const width = rememberedWidth(id);
    if (drawings.has(id) || document.getElementById(id) || !width || !document.body || !hasStyles()) continue;
    const box = Object.assign(document.createElement("div"), { className: "chart ahead" });
    const plot = box.appendChild(Object.assign(document.createElement("div"), { className: "plot" }));
    box.style.width = `${width}px`;
    drawings.set(id, loadPlotly().then(() => drawFigure(plot, figureOfPage({ id }), width)).then(() => plot));
    document.body.append(box);
  }
}

// Puts what was drawn for this chart into its place, and returns how wide it is; 0 if nothing was.
export async function placeDrawing(chart) {
  const drawing = drawings.get(chart.id);
  if (!drawing) return 0;
  drawings.delete(chart.id);
  const plot = await drawing;
  const width = parseInt(plot.parentElement.style.width, 10);
  const place = chart.querySelector(".plot");
  for (const { name, value } of place.attributes) if (name !== "class") plot.setAttribute(name, value);
  plot.parentElement.remove();
  place.replaceWith(plot);
  return width;
}
