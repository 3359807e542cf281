// Draws the charts of a dashboard part when it arrived, and again when the theme changes.
const Chart = window.Chart;
const charts = new Set();
const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--aia-${name}`).trim();
if (matchMedia("(prefers-reduced-motion: reduce)").matches) Chart.defaults.animation = false;
Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;

const tick = {
  $: (value) => `$${value.toLocaleString(undefined, { maximumSignificantDigits: 3 })}`,
  "%": (value) => `${Math.round(value * 100)}%`,
  s: (value) => `${value / 1000} s`,
  "": (value) => value.toLocaleString(),
};

function dataset(series, kind) {
  const colour = token(series.tone);
  const faint = series.times ? { type: "line", borderDash: [4, 4], borderWidth: 1.5, pointRadius: 0, pointStyle: "line", order: -1 } : {};
  return { label: series.title, data: series.values, backgroundColor: colour, borderColor: colour, borderWidth: kind === "line" ? 2 : 0, pointRadius: 2, pointHitRadius: 8, clip: 6, cubicInterpolationMode: "monotone", pointStyle: kind === "line" ? "circle" : "rect", spanGaps: true, maxBarThickness: 28, ...faint };
}

// A bar or a point leads to the logs behind it; beside them the step does, to those of the first series.
function logsBehind(event, drawn, chart) {
  const [hit] = drawn.getElementsAtEventForMode(event, "nearest", { intersect: true }, false);
  const [near] = drawn.getElementsAtEventForMode(event, "index", { intersect: false }, false);
  const found = hit ?? near;
  const series = found && chart.series[found.datasetIndex];
  return series && `${series.logs}&${(series.times ?? chart.times)[found.index]}`;
}

// Success is near 100% mostly: the axis begins below the worst of it, else all days look alike.
function floor(chart) {
  const values = chart.series.flatMap((series) => series.values).filter((value) => value !== null);
  return chart.unit === "%" && values.length ? Math.max(0, Math.ceil(Math.min(...values) * 10 - 1) / 10) : undefined;
}

function draw(figure) {
  const chart = JSON.parse(figure.querySelector('script[type="application/json"]').textContent);
  const [grid, text] = [token("line"), token("muted")];
  const stacked = chart.kind === "bar";
  const told = (item) => `${item.dataset.label}: ${chart.series[item.datasetIndex].texts[item.dataIndex]}`;
  const drawn = new Chart(figure.querySelector("canvas"), {
    type: chart.kind,
    data: { labels: chart.labels, datasets: chart.series.map((series) => dataset(series, chart.kind)) },
    options: {
      responsive: true,
      maintainAspectRatio: false,
      interaction: { mode: "index", intersect: false },
      onClick: (event, _, self) => {
        const url = logsBehind(event, self, chart);
        if (url) location.assign(url);
      },
      onHover: (event, near) => (event.native.target.style.cursor = near.length ? "pointer" : "default"),
      plugins: { legend: { display: chart.series.length > 1, labels: { color: text, usePointStyle: true, boxHeight: 7, sort: (one, other) => one.datasetIndex - other.datasetIndex } }, tooltip: { callbacks: { label: told } } },
      scales: {
        x: { stacked, grid: { display: false }, ticks: { color: text, maxRotation: 0, autoSkipPadding: 16 } },
        y: { stacked, beginAtZero: chart.unit !== "%", min: floor(chart), max: chart.unit === "%" ? 1 : undefined, grid: { color: grid }, ticks: { color: text, maxTicksLimit: 5, callback: tick[chart.unit] } },
      },
    },
  });
  charts.add({ figure, drawn });
}

function redraw() {
  const before = [...charts];
  charts.clear();
  for (const { figure, drawn } of before) {
    drawn.destroy();
    if (figure.isConnected) draw(figure);
  }
}

document.body.addEventListener("htmx:afterSwap", (event) => {
  if (!event.target.matches("[data-part]")) return;
  event.target.setAttribute("aria-busy", "false");
  event.target.querySelectorAll("[data-chart]").forEach(draw);
});

// A refused part is requested again after the time that the server names, with jitter so that two dashboards part.
const MAX_RETRIES = 8;
const MAX_RETRY_AFTER_S = 10;
document.body.addEventListener("htmx:beforeSwap", (event) => {
  const [part, answer] = [event.target, event.detail.xhr];
  if (!part.matches("[data-part]") || ![429, 503].includes(answer.status)) return;
  const seconds = Number(answer.getResponseHeader("Retry-After") ?? NaN);
  const retries = Number(part.dataset.retries ?? 0);
  if (!(seconds <= MAX_RETRY_AFTER_S) || retries >= MAX_RETRIES) return;
  event.preventDefault(); // no error is shown: the part is still loading
  part.dataset.retries = retries + 1;
  setTimeout(() => window.htmx.trigger(part, "retry"), seconds * 1000 * (1 + Math.random() / 2));
});
for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.body.addEventListener(name, (event) => {
    if (!event.target.matches("[data-part]")) return;
    event.target.setAttribute("aria-busy", "false");
    event.target.replaceChildren(document.querySelector("#part-failed").content.cloneNode(true));
  });
}
document.addEventListener("click", (event) => {
  const part = event.target.closest("[data-retry]")?.closest("[data-part]");
  if (!part) return;
  delete part.dataset.retries;
  window.htmx.trigger(part, "retry");
});
// A period that is chosen is meant instead of the days that were given before it.
document.querySelector("#last").addEventListener("change", (event) => {
  for (const name of ["from", "to"]) event.target.form.elements[name].value = "";
});
document.addEventListener("aiagents:theme", redraw);
