// Scales and ticks.
function niceStep(span, most) {
  const rough = span / most, power = 10 ** Math.floor(Math.log10(rough));
  return power * [1, 2, 2.5, 5, 10].find((step) => step * power >= rough * 0.9999);
}

function linearTicks(low, high, most = 6) {
  const step = niceStep(high - low, most), ticks = [];
  const decimals = Math.max(0, -Math.floor(Math.log10(step)) + (/^25/.test(step.toExponential().replace(".", "")) ? 1 : 0));
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++)
    ticks.push([k * step, (k * step).toFixed(decimals).replace(/^-(0(\.0*)?)$/, "$1")]);
  return ticks;
}

function logTicks(low, high) {
  const ticks = [];
  for (let k = Math.round(Math.log10(low)); k <= Math.log10(high) + 1e-9; k++)
    ticks.push([10 ** k, k > -3 ? String(Number((10 ** k).toFixed(2))) : `1e${k}`]);
  return ticks;
}

// What the vertical axis spans: all that is drawn, intervals included.
function verticalRange(series, log, zero) {
  const values = [];
  for (const { points } of series)
    for (const p of points) {
      const ends = p.ends || [p.mean, p.mean];
      values.push(...[p.mean, ...ends].filter((v) => !log || v > 0));
    }
  if (zero) values.push(0);
  if (!values.length) return null;
  let low = Math.min(...values), high = Math.max(...values);
  if (log) {
    low = 10 ** Math.floor(Math.log10(low) + 1e-9);
    high = Math.max(10 ** Math.ceil(Math.log10(high) - 1e-9), 10 * low);
    return [low, high];
  }
  const room = (high - low) * 0.06 || Math.abs(high) * 0.05 || 1;
  return [low - room, high + room];
}

// Places of the points on the horizontal axis, and which of them are named.
function horizontalTicks(points, most = 12) {
  const every = Math.ceil(points.length / most);
  return points.filter((_, i) => i % every === 0);
}
