// Small helpers over the DOM. Text is only ever set as text.

/** The element with this id. */
export const byId = (id) => document.getElementById(id);

/** A new element with classes, text and children; a null child is left out. */
export function make(tag, { cls = "", text = null, attrs = {} } = {}, ...children) {
  const node = document.createElement(tag);
  if (cls) node.className = cls;
  if (text !== null) node.textContent = text;
  for (const [name, value] of Object.entries(attrs)) node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== null));
  return node;
}

/** A new SVG element. */
export function draw(tag, attrs = {}, text = null) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attrs)) node.setAttribute(name, String(value));
  if (text !== null) node.textContent = text;
  return node;
}

/** Shows or hides; gives back whether it is shown. */
export function show(node, wanted = true) {
  node.hidden = !wanted;
  return wanted;
}

let saying = 0;

/** Says a sentence to a screen reader once things have been still for `wait` milliseconds. */
export function say(text, wait = 350) {
  clearTimeout(saying);
  saying = setTimeout(() => { byId("said").textContent = text; }, wait);
}

/** A signed number with a true minus sign. */
export function signed(number, digits = 2) {
  const text = Math.abs(number).toFixed(digits);
  if (Number(text) === 0) return text;
  return `${number < 0 ? "−" : "+"}${text}`;
}

/** A number without a needless sign. */
export const plain = (number, digits) => number.toFixed(digits).replace("-", "−");

/** Seconds as milliseconds, or as seconds from ten of them on. */
export function time(seconds) {
  if (seconds >= 10) return `${seconds.toFixed(1)} s`;
  const ms = seconds * 1000;
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** "1 passage", "2 passages". */
export const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;
