// Gets what a chart is drawn from: Plotly itself, and the figure, out of the page or from the server.
export const SETTINGS = { displayModeBar: false, responsive: true, locale: "en" };
export const darkScheme = matchMedia("(prefers-color-scheme: dark)");

function currentTheme() {
  const chosen = document.documentElement.dataset.theme;
  return chosen === "dark" || chosen === "light" ? chosen : darkScheme.matches ? "dark" : "light";
}

export const loadPlotly = () => new Promise((resolve, reject) => {
  const script = document.getElementById("plotly");
  if (window.Plotly) return resolve(window.Plotly);
  script.addEventListener("load", () => resolve(window.Plotly));
  script.addEventListener("error", reject);
});

// The figure that came with the page, or nothing. Where the device chooses the theme, light colours
// become dark ones. It is taken once: later drawings ask the server, if the chart has an address.
export function figureOfPage(chart, theme = currentTheme()) {
  const element = document.getElementById(`${chart.id}-drawn`);
  if (!element) return null;
  const { figure, dark } = JSON.parse(element.textContent);
  if (theme === "light" || !Object.keys(dark).length) return figure;
  return JSON.parse(JSON.stringify(figure), (_, value) => Object.hasOwn(dark, value) ? dark[value] : value);
}

function takeFigureOfPage(chart) {
  const figure = figureOfPage(chart);
  if (figure && chart.dataset.chart) document.getElementById(`${chart.id}-drawn`).remove();
  return figure;
}

async function fetchFigure(path, names) {
  const address = new URL(path, location.href);
  address.searchParams.set("theme", currentTheme());
  const query = new URLSearchParams(location.search);
  for (const name of (names || "").split(" ")) if (query.get(name)) address.searchParams.set(name, query.get(name));
  // A chart is drawn again with each refresh: that is no use of the session.
  const response = await fetch(address, { credentials: "same-origin", headers: { "X-Automatic": "1" } });
  if (!response.ok) throw new Error(String(response.status));
  return response.json();
}

export const loadFigure = (chart) => takeFigureOfPage(chart) || fetchFigure(chart.dataset.chart, chart.dataset.asks);
