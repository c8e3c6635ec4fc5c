// Curves of the figure that was chosen, their legend, and its table.
function showCurves(root, data, state, changed) {
  const part = root.querySelector(".curves"), chart = part.querySelector(".chart");
  const entries = (kind) => data.figures.filter((f) => f.kind === kind).map((f) => [f.name, f.label]);
  const groups = [
    { label: "figures of merit", entries: entries("merit") },
    { label: "spent, lost and told by systems", entries: entries("spent") },
  ];
  const metric = part.querySelector(".metric"), style = part.querySelector(".style");
  fillSelect(metric, groups, state.metric);
  style.value = state.style;
  metric.addEventListener("change", () => { state.metric = metric.value; changed(); });
  style.addEventListener("change", () => { state.style = style.value; changed(); });
  const buttons = data.systems.map((system, i) => legendButton(system, i, data, state, changed));
  part.querySelector(".legend").append(...buttons);
  part.hidden = false;

  return () => {
    const figure = data.figures.find((f) => f.name === state.metric);
    drawChart(chart, {
      points: data.points, xLabel: data.axis.label, yLabel: figure.label, log: figure.log,
      style: state.style, label: `${figure.label} of every system`,
      series: data.systems.map((system, i) => ({
        system,
        theory: figure.theory && figure.theory[i],
        points: figure.values[i].flatMap((value, k) => (value.mean === undefined ? [] : [{
          ...value, k,
          lines: [system.title, data.points[k].heading, `${figure.short}: ${value.text}`, value.counted],
        }])),
      })).filter((_, i) => !state.hidden.has(i)),
    });
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", !state.hidden.has(i)));
    for (const table of root.querySelectorAll(".tables .figure")) {
      table.hidden = table.dataset.name !== state.metric;
      table.querySelectorAll("tbody tr").forEach((row, i) => row.classList.toggle("off", state.hidden.has(i)));
    }
  };
}

function legendButton(system, i, data, state, changed) {
  const button = made("button", { type: "button" }, swatch(system), made("span", {}, system.title + (system.mark || "")));
  button.addEventListener("click", () => {
    if (!state.hidden.delete(i)) state.hidden.add(i);
    changed();
  });
  button.addEventListener("dblclick", () => {
    state.hidden = new Set(data.systems.keys());
    state.hidden.delete(i);
    changed();
  });
  return button;
}
