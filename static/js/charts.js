// Draws the figures that the server describes. Plotly comes after the page, from our own server.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  function theme() {
    const chosen = document.documentElement.dataset.theme;
    return chosen === "dark" || chosen === "light" ? chosen : dark.matches ? "dark" : "light";
  }
  const plotly = () => new Promise((resolve, reject) => {
    const script = document.getElementById("plotly");
    if (window.Plotly) return resolve(window.Plotly);
    script.addEventListener("load", () => resolve(window.Plotly));
    script.addEventListener("error", reject);
  });
  const settings = { displayModeBar: false, responsive: true, locale: "en" };

  // A figure may come with its page; where the device chooses, its light colours become dark ones.
  function given(chart) {
    const told = document.getElementById(`${chart.id}-drawn`);
    if (!told) return null;
    told.remove();
    const { figure, dark } = JSON.parse(told.textContent);
    if (theme() === "light" || !Object.keys(dark).length) return figure;
    return JSON.parse(JSON.stringify(figure), (_, value) => Object.hasOwn(dark, value) ? dark[value] : value);
  }
  function ask(path, names) {
    const address = new URL(path, location.href);
    address.searchParams.set("theme", theme());
    const asked = new URLSearchParams(location.search);
    for (const name of (names || "").split(" ")) if (asked.get(name)) address.searchParams.set(name, asked.get(name));
    return fetch(address, { credentials: "same-origin" }).then((answer) => {
      if (!answer.ok) throw new Error(String(answer.status));
      return answer.json();
    });
  }

  const widths = new WeakMap();  // of charts, as they were drawn
  async function draw(chart) {
    const wait = chart.querySelector(".wait");
    const asked = new URLSearchParams(location.search);
    try {
      const told = given(chart) || ask(chart.dataset.chart, chart.dataset.asks);
      const [Plotly, figure] = await Promise.all([plotly(), told]);
      if (!figure.data.length) {
        wait.textContent = chart.dataset.empty;
        wait.hidden = false;
        chart.classList.add("none");
        return;
      }
      chart.classList.remove("none");
      widths.set(chart, chart.clientWidth);
      if (widths.get(chart) < 520) Object.assign(figure.layout.legend, { y: -0.15, yanchor: "top" });
      figure.layout.font.family = getComputedStyle(document.body).fontFamily;
      await Plotly.react(chart.querySelector(".plot"), figure.data, figure.layout, settings);
      wait.hidden = true;
      chart.dataset.drawn = asked.get("per") || "total";
    } catch (error) {
      wait.textContent = "The chart could not be drawn. Its numbers are in the table below.";
      wait.hidden = false;
    }
  }
  const all = () => document.querySelectorAll("[data-chart]");
  async function drawAll() {
    for (const chart of all()) await draw(chart);
  }

  // A figure that comes with its page is drawn as soon as its place is there: what follows it may
  // still be on its way, and may make the place narrower.
  const early = new Map();
  function fit(chart) {
    const plot = chart.querySelector(".plot");
    if (plot.matches(".js-plotly-plot") && chart.clientWidth !== widths.get(chart)) window.Plotly.Plots.resize(plot);
  }
  const arrivals = new MutationObserver(() => {
    for (const chart of all()) {
      const ready = chart.querySelector(".wait") && document.getElementById(`${chart.id}-drawn`);
      if (ready && !early.has(chart)) early.set(chart, draw(chart));
    }
  });
  async function drawRest() {
    arrivals.disconnect();
    for (const chart of all()) if (!early.has(chart)) await draw(chart);
    for (const [chart, drawn] of early) await drawn.then(() => fit(chart));
  }
  if (document.readyState === "loading") {
    arrivals.observe(document, { childList: true, subtree: true });
    document.addEventListener("readystatechange", drawRest, { once: true });
  } else drawAll();
  dark.addEventListener("change", drawAll);
  // Paper is narrower than the window, and Plotly measures before the page is laid out for it.
  const PAPER = 680;
  const drawn = () => document.querySelectorAll(".js-plotly-plot");
  const INK = { "font.color": "#000", "xaxis.tickfont.color": "#333", "yaxis.tickfont.color": "#333", "xaxis.gridcolor": "#ddd", "yaxis.gridcolor": "#ddd" };
  const part = (layout, path) => path.split(".").reduce((of, name) => of && of[name], layout);
  const colours = (plot) => Object.fromEntries(Object.keys(INK).map((path) => [path, part(plot.layout, path)]));
  const screens = new Map();
  window.addEventListener("beforeprint", () => drawn().forEach((plot) => {
    screens.set(plot, colours(plot));
    window.Plotly.relayout(plot, { width: PAPER, ...INK });
  }));
  window.addEventListener("afterprint", () => drawn().forEach((plot) => window.Plotly.relayout(plot, { width: null, autosize: true, ...screens.get(plot) })));

  // After a refresh, and after a choice that changed the address: what is on the page is drawn anew.
  document.addEventListener("htmx:afterSettle", (event) => {
    for (const chart of all()) if (event.target.matches("[data-live]") || event.target.contains(chart)) draw(chart);
  });
})();
