// Draws the figures that the server describes. Plotly comes after the page, from our own server.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  function theme() {
    const chosen = document.documentElement.dataset.theme;
    return chosen === "dark" || chosen === "light" ? chosen : dark.matches ? "dark" : "light";
  }
  const plotly = new Promise((resolve, reject) => {
    const script = document.getElementById("plotly");
    if (window.Plotly) return resolve(window.Plotly);
    script.addEventListener("load", () => resolve(window.Plotly));
    script.addEventListener("error", reject);
  });
  const settings = { displayModeBar: false, responsive: true, locale: "en" };

  async function draw(chart) {
    const wait = chart.querySelector(".wait");
    const address = new URL(chart.dataset.chart, location.href);
    address.searchParams.set("theme", theme());
    const asked = new URLSearchParams(location.search);
    for (const name of (chart.dataset.asks || "").split(" ")) if (asked.get(name)) address.searchParams.set(name, asked.get(name));
    try {
      const sent = fetch(address, { credentials: "same-origin" }).then((answer) => {
        if (!answer.ok) throw new Error(String(answer.status));
        return answer.json();
      });
      const [Plotly, figure] = await Promise.all([plotly, sent]);
      if (!figure.data.length) {
        wait.textContent = chart.dataset.empty;
        wait.hidden = false;
        return;
      }
      if (chart.clientWidth < 520) Object.assign(figure.layout.legend, { y: -0.15, yanchor: "top" });
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
  all().forEach(draw);
  dark.addEventListener("change", () => all().forEach(draw));
  // After a refresh, and after a choice that changed the address: what is on the page is drawn anew.
  document.addEventListener("htmx:afterSettle", (event) => {
    for (const chart of all()) if (event.target.matches("[data-live]") || event.target.contains(chart)) draw(chart);
  });
})();
