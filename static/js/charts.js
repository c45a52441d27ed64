// Draws the figures that the server describes. Plotly comes after the page, from our own server.
import { SETTINGS, darkScheme, loadFigure, loadPlotly } from "./chart_figures.js";
import "./chart_printing.js";
import { drawAhead, placeDrawing, rememberWidth } from "./charts_ahead.js";

const NARROW = 520; // pixels; the legend goes below a chart that is narrower

const drawnWidths = new WeakMap(); // of charts, as they were drawn

// Plotly keeps zoom and hidden lines while the choices in the address are the same, and finds a line again by
// its uid: a refresh may bring more lines or fewer.
function keepView(figure) {
  const numbers = {}, letters = (text) => [...text].map((sign) => sign.codePointAt(0).toString(36)).join("");
  figure.layout.uirevision = location.search || "all";
  for (const trace of figure.data) {
    numbers[trace.name] = (numbers[trace.name] ?? 0) + 1;
    trace.uid = `${letters(trace.name ?? "")}-${numbers[trace.name]}`;
  }
}

async function drawFigure(plot, figure, width) {
  if (!figure.data.length) return; // which `draw` says in words
  keepView(figure);
  if (width < NARROW) Object.assign(figure.layout.legend, { y: -0.15, yanchor: "top" });
  figure.layout.font.family = getComputedStyle(document.body).fontFamily;
  await window.Plotly.react(plot, figure.data, figure.layout, SETTINGS);
}

async function draw(chart) {
  const wait = chart.querySelector(".wait");
  const query = new URLSearchParams(location.search);
  try {
    const placedWidth = await placeDrawing(chart);
    const [figure] = await Promise.all([loadFigure(chart), loadPlotly()]);
    if (!figure.data.length) {
      wait.textContent = chart.dataset.empty;
      wait.hidden = false;
      chart.classList.add("none");
      return;
    }
    chart.classList.remove("none");
    drawnWidths.set(chart, placedWidth || chart.clientWidth); // which lays out what is there: not twice
    if (!placedWidth) await drawFigure(chart.querySelector(".plot"), figure, chart.clientWidth);
    wait.hidden = true;
    chart.dataset.drawn = query.get("per") || "total";
  } catch {
    wait.textContent = "The chart could not be drawn. Its data is in the table below.";
    wait.hidden = false;
  }
}

const allCharts = () => document.querySelectorAll("[data-chart]");
async function drawAll() {
  for (const chart of allCharts()) await draw(chart);
}

// A figure that comes with its page is drawn as soon as its place is there: what follows it may
// still be on its way, and may make the place narrower.
const early = new Map(); // of charts, to the promise of their drawing
function drawArrived() {
  drawAhead(drawFigure);
  for (const chart of allCharts()) {
    const ready = chart.querySelector(".wait") && document.getElementById(`${chart.id}-drawn`);
    if (ready && !early.has(chart)) early.set(chart, draw(chart));
  }
}
function fit(chart) {
  const plot = chart.querySelector(".plot");
  const isOther = chart.clientWidth !== drawnWidths.get(chart);
  rememberWidth(chart);
  if (plot.matches(".js-plotly-plot") && isOther) window.Plotly.Plots.resize(plot);
}
const arrivals = new MutationObserver(drawArrived);
async function drawRest() {
  arrivals.disconnect();
  for (const chart of allCharts()) if (!early.has(chart)) await draw(chart);
  for (const [chart, drawing] of early) await drawing.then(() => fit(chart));
}
if (document.readyState === "loading") {
  drawArrived(); // what came before this module did
  arrivals.observe(document, { childList: true, subtree: true });
  document.addEventListener("readystatechange", drawRest, { once: true });
} else drawAll();
darkScheme.addEventListener("change", drawAll);

// After a refresh, and after a choice that changed the address, what is on the page is drawn again.
document.addEventListener("htmx:afterSettle", (event) => {
  for (const chart of allCharts()) if (event.target.matches("[data-live]") || event.target.contains(chart)) draw(chart);
});
