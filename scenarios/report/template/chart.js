// A figure over the points of a sweep: curves, intervals, a tip on every point.
const WIDTH = 720, LEFT = 66, RIGHT = 12, TOP = 12, FLOOR = 340, LINE = 15;
const SHAPES = {
  o: "M4 0A4 4 0 1 1 -4 0A4 4 0 1 1 4 0Z",
  s: "M-3.6 -3.6H3.6V3.6H-3.6Z",
  D: "M0 -5L5 0L0 5L-5 0Z",
  "^": "M0 -5L4.6 3.6H-4.6Z",
  v: "M0 5L4.6 -3.6H-4.6Z",
  P: "M-1.6 -5H1.6V-1.6H5V1.6H1.6V5H-1.6V1.6H-5V-1.6H-1.6Z",
  "*": "M0 -5.5L1.5 -1.7L5.4 -1.7L2.3 .8L3.4 4.6L0 2.3L-3.4 4.6L-2.3 .8L-5.4 -1.7L-1.5 -1.7Z",
  X: "M-5 -3L-3 -5L0 -2L3 -5L5 -3L2 0L5 3L3 5L0 2L-3 5L-5 3L-2 0Z",
};

function marker({ colour, marker: shape }, open = false) {
  const fill = open ? "#fff" : colour;
  return drawn("path", { d: SHAPES[shape], fill, stroke: colour, "stroke-width": 1.2 });
}

// A system as it is drawn, for legends.
function swatch(system) {
  const svg = drawn("svg", { class: "swatch", width: 30, height: 14, viewBox: "-15 -7 30 14", "aria-hidden": "true" });
  svg.append(drawn("path", { d: "M-14 0H14", stroke: system.colour, "stroke-width": 1.8 }), marker(system));
  return svg;
}

// points: of the axis; series: [{system, points: [{k, mean, ends, old, lines}], theory}]
function drawChart(box, { points, xLabel, yLabel, log, zero, style, series, label }) {
  const lines = points.some((p) => p.head.includes(" (")) ? 2 : 1; // names of points
  const height = FLOOR + 34 + lines * LINE;
  const svg = drawn("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": label });
  const tip = made("div", { class: "tip" });
  tip.hidden = true;
  box.replaceChildren(svg, tip);
  const range = verticalRange(series, log, zero);
  if (!range) {
    svg.append(drawn("text", { x: WIDTH / 2, y: FLOOR / 2, "text-anchor": "middle" }, "nothing to draw"));
    return;
  }
  const places = points.map((p) => p.place);
  const first = Math.min(...places), span = Math.max(...places) - first || 1;
  const scale = log ? Math.log10 : (v) => v;
  const [bottom, top] = range.map(scale);
  const margin = 22, wide = WIDTH - LEFT - RIGHT - 2 * margin;
  const x = (place) => LEFT + margin + (places.length > 1 ? ((place - first) / span) * wide : wide / 2);
  const y = (value) => FLOOR - ((scale(value) - bottom) / (top - bottom)) * (FLOOR - TOP);
  drawAxes(svg, { points, range, log, zero, xLabel, yLabel, x, y, height });
  const low = (v) => (log && v <= 0 ? FLOOR : Math.min(y(v), FLOOR));
  const hits = [];
  series.forEach(({ system, points: own, theory }, i) => {
    // A small shift keeps the intervals of neighbouring curves apart.
    const shift = style === "bars" ? 3 * (i - (series.length - 1) / 2) : 0;
    const group = drawn("g", { class: "series" });
    group.dataset.title = system.title;
    const placed = own.map((p) => ({ ...p, x: x(points[p.k].place) + shift }));
    const seen = placed.filter((p) => !log || p.mean > 0);
    if (theory) group.append(theoryPath(theory, x, y, range, system.colour));
    if (style === "bands") group.append(...bands(placed.filter((p) => p.ends), y, low, system.colour));
    group.append(drawn("path", {
      class: "curve", fill: "none", stroke: system.colour, "stroke-width": 1.8,
      d: seen.map((p, k) => `${k ? "L" : "M"}${p.x.toFixed(1)} ${y(p.mean).toFixed(1)}`).join(""),
    }));
    for (const p of placed) {
      const none = log && p.mean <= 0;
      if (none) group.append(...arrow(p.x, p.ends ? y(p.ends[1]) : FLOOR - 16, system.colour));
      else {
        if (style === "bars" && p.ends) group.append(bar(p.x, low(p.ends[0]), y(p.ends[1]), system.colour));
        const shape = marker(system, p.old);
        shape.setAttribute("transform", `translate(${p.x.toFixed(1)} ${y(p.mean).toFixed(1)})`);
        group.append(shape);
      }
      const at = none ? (p.ends ? y(p.ends[1]) : FLOOR - 16) : y(p.mean);
      const hit = drawn("circle", { class: "hit", cx: p.x, cy: at, r: 10, tabindex: 0 });
      hit.setAttribute("aria-label", p.lines.join(", "));
      tell(hit, tip, box, p.lines, p.x, at);
      hits.push(hit);
    }
    svg.append(group);
  });
  svg.append(...hits); // above all curves
}

function drawAxes(svg, { points, range, log, zero, xLabel, yLabel, x, y, height }) {
  const right = WIDTH - RIGHT;
  for (const [value, text] of log ? logTicks(...range) : linearTicks(...range)) {
    const at = y(value);
    svg.append(drawn("line", { class: "grid", x1: LEFT, x2: right, y1: at, y2: at }));
    svg.append(drawn("text", { x: LEFT - 8, y: at + 4, "text-anchor": "end" }, text));
  }
  for (const point of horizontalTicks(points)) {
    const at = x(point.place), [head, below] = point.head.split(" (");
    svg.append(drawn("line", { class: "axis", x1: at, x2: at, y1: FLOOR, y2: FLOOR + 5 }));
    svg.append(drawn("text", { x: at, y: FLOOR + 5 + LINE, "text-anchor": "middle" }, head));
    if (below) svg.append(drawn("text", { x: at, y: FLOOR + 5 + 2 * LINE, "text-anchor": "middle" }, below.replace(")", "")));
  }
  if (zero) svg.append(drawn("line", { class: "zero", x1: LEFT, x2: right, y1: y(0), y2: y(0) }));
  svg.append(drawn("line", { class: "axis", x1: LEFT, x2: right, y1: FLOOR, y2: FLOOR }));
  const middle = (LEFT + right) / 2, centre = (TOP + FLOOR) / 2;
  svg.append(drawn("text", { class: "title", x: middle, y: height - 8, "text-anchor": "middle" }, xLabel));
  svg.append(drawn("text", { class: "title", "text-anchor": "middle", transform: `translate(15 ${centre}) rotate(-90)` }, yLabel));
}

function bar(x, low, high, colour) {
  const d = `M${x - 3} ${low}h6M${x} ${low}V${high}M${x - 3} ${high}h6`;
  return drawn("path", { class: "interval", d, stroke: colour, "stroke-width": 1.1, fill: "none" });
}

function bands(points, y, low, colour) {
  if (!points.length) return [];
  const upper = points.map((p) => `${p.x} ${y(p.ends[1])}`);
  const lower = points.map((p) => `${p.x} ${low(p.ends[0])}`).reverse();
  const d = `M${[...upper, ...lower].join("L")}Z`;
  return [drawn("path", { class: "interval", d, fill: colour, "fill-opacity": 0.14 })];
}

// None seen: down from the upper end of the interval.
function arrow(x, from, colour) {
  const d = `M${x - 4} ${from}h8M${x} ${from}v16M${x - 3} ${from + 11}l3 5l3 -5`;
  return [drawn("path", { class: "interval", d, stroke: colour, "stroke-width": 1.2, fill: "none" })];
}

function theoryPath(theory, x, y, [lowest, highest], colour) {
  const inside = theory.filter(([, v]) => v >= lowest && v <= highest);
  const d = inside.map(([place, v], k) => `${k ? "L" : "M"}${x(place)} ${y(v)}`).join("");
  return drawn("path", { class: "theory", d, stroke: colour, fill: "none", "stroke-dasharray": "5 4" });
}

function tell(hit, tip, box, lines, x, y) {
  const show = () => {
    const scale = box.clientWidth / WIDTH;
    tip.textContent = lines.join("\n");
    tip.hidden = false;
    const left = Math.min(x * scale - tip.offsetWidth / 2, box.clientWidth - tip.offsetWidth);
    const above = y * scale - tip.offsetHeight - 14;
    tip.style.left = `${Math.max(0, left)}px`;
    tip.style.top = `${above < 0 ? y * scale + 14 : above}px`;
  };
  const hide = () => { tip.hidden = true; };
  hit.addEventListener("mouseenter", show);
  hit.addEventListener("focus", show);
  hit.addEventListener("mouseleave", hide);
  hit.addEventListener("blur", hide);
}
