// Differences to a system that is chosen, with the intervals of the pairs.
function showPairs(root, data, state, changed) {
  if (!data.pairs) return () => {};
  const part = root.querySelector(".pairs"), baseline = part.querySelector(".baseline");
  fillSelect(baseline, [{ entries: data.systems.map((s, i) => [i, s.title]) }], state.baseline);
  baseline.addEventListener("change", () => { state.baseline = Number(baseline.value); changed(); });

  return () => {
    const figure = data.figures.find((f) => f.name === state.metric);
    const rows = data.systems.flatMap((system, i) => (i === state.baseline ? [] : [differencesOf(data, state, system, i)]));
    part.hidden = rows.some((row) => row.found === undefined); // of this figure there are none
    if (part.hidden) return;
    drawChart(part.querySelector(".chart"), {
      points: data.points, xLabel: data.axis.label, yLabel: `Difference: ${figure.label}`,
      log: false, zero: true, style: state.style, label: `Paired differences of ${figure.label}`,
      series: rows.filter((row) => row.points && !state.hidden.has(row.i)).map((row) => ({
        system: row.system,
        points: row.points.flatMap((p, k) => (p ? [{
          ...p, k,
          lines: [row.title, data.points[k].heading, `paired: ${p.paired}`, `unpaired: ${p.unpaired}`],
        }] : [])),
      })),
    });
    part.querySelector(".scroll").replaceChildren(pairsTable(data, state, rows));
    const notes = new Set(rows.flatMap((row) => row.found.notes || []));
    part.querySelector(".remarks").replaceChildren(...[...notes].map((text) => made("p", { class: "note" }, text)));
  };
}

// One system minus the other: the pair as it is filed, or the other way round.
function differencesOf(data, state, system, i) {
  const other = state.baseline;
  const pair = data.pairs.find((p) => (p.one === i && p.other === other) || (p.one === other && p.other === i));
  const found = pair.figures[state.metric], turned = pair.one !== i;
  const title = `${system.title} - ${data.systems[other].title}`;
  const points = found && found.points && found.points.map((p) => {
    if (!p || !turned) return p;
    const ends = p.ends && [-p.ends[1], -p.ends[0]];
    return { mean: -p.mean, ends, paired: p.turned_paired, unpaired: p.turned_unpaired };
  });
  return { system, i, title, found, points };
}

function pairsTable(data, state, rows) {
  const head = made("tr", {}, ...[data.axis.rows, ...data.points.map((p) => p.head)].map((text) => made("th", { scope: "col" }, text)));
  const body = rows.flatMap((row) => {
    const off = state.hidden.has(row.i) ? " off" : "";
    if (!row.points) {
      const reason = made("td", { class: "reason", colspan: data.points.length }, `not compared: ${row.found.refused}`);
      return [made("tr", { class: off.trim() }, made("th", { scope: "row" }, row.title), reason)];
    }
    return ["paired", "unpaired"].map((kind) => made(
      "tr", { class: kind + off },
      made("th", { scope: "row" }, ...(kind === "paired" ? [swatch(row.system), row.title + row.found.mark] : ["two unrelated runs"])),
      ...row.points.map((p) => made("td", {}, p ? p[kind] : "-")),
    ));
  });
  return made("table", {}, made("thead", {}, head), made("tbody", {}, ...body));
}
