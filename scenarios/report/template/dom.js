// Elements. Text from results enters as text alone, never as markup.
const SVG = "http://www.w3.org/2000/svg";

function made(tag, attributes = {}, ...content) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...content);
  return node;
}

function drawn(tag, attributes = {}, ...content) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...content);
  return node;
}

// Fills a select with [value, text] entries, or groups {label, entries} of them.
function fillSelect(select, groups, value) {
  for (const { label, entries } of groups) {
    if (!entries.length) continue;
    const options = entries.map(([key, text]) => made("option", { value: key }, text));
    select.append(...(label ? [made("optgroup", { label }, ...options)] : options));
  }
  select.value = String(value);
}
