for (const root of document.querySelectorAll("section")) {
  const data = JSON.parse(root.querySelector("script[type='application/json']").textContent);
  const state = { metric: data.figures[0].name, style: "bars", hidden: new Set(), baseline: 0 };
  const parts = [];
  const changed = () => parts.forEach((update) => update());
  parts.push(showCurves(root, data, state, changed), showPairs(root, data, state, changed));
  showPictures(root, data);
  changed();
}
