// Draws charts for paper: it is narrower than the window, and Plotly measures before the page is laid
// out for it.
import { SETTINGS, figureOfPage } from "./chart_figures.js";

// In pixels; a page with a long table lies on its side.
const paperWidth = () => document.querySelector(".scroll > table") ? 940 : 680;
const INK = {
  "font.color": "#000",
  "xaxis.tickfont.color": "#333",
  "yaxis.tickfont.color": "#333",
  "xaxis.gridcolor": "#ddd",
  "yaxis.gridcolor": "#ddd",
};

const drawnPlots = () => document.querySelectorAll(".js-plotly-plot");
const valueAt = (layout, path) => path.split(".").reduce((value, name) => value && value[name], layout);
const screenColours = (plot) => Object.fromEntries(Object.keys(INK).map((path) => [path, valueAt(plot.layout, path)]));

// Draws the figure that came with the page again; false if there is none.
function redraw(plot, theme, size) {
  const figure = figureOfPage(plot.closest(".chart"), theme);
  if (!figure) return false;
  figure.layout.font.family = getComputedStyle(document.body).fontFamily;
  window.Plotly.react(plot, figure.data, { ...figure.layout, ...size }, SETTINGS);
  return true;
}

const coloursBefore = new Map(); // of plots, as drawn on screen
window.addEventListener("beforeprint", () => drawnPlots().forEach((plot) => {
  if (redraw(plot, "light", { width: paperWidth() })) return;
  coloursBefore.set(plot, screenColours(plot));
  window.Plotly.relayout(plot, { width: paperWidth(), ...INK });
}));
window.addEventListener("afterprint", () => drawnPlots().forEach((plot) => {
  if (redraw(plot, undefined, { autosize: true })) return;
  window.Plotly.relayout(plot, { width: null, autosize: true, ...coloursBefore.get(plot) });
}));
