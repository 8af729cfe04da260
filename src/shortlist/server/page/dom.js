// Helpers for the DOM. Text is only set as text, never as HTML.

/** Return the element with this id. */
export const byId = (id) => document.getElementById(id);

/** Return a new element with classes, text and children. A null child is left out. */
export function make(tag, { cls = "", text = null, attrs = {} } = {}, ...children) {
  const node = document.createElement(tag);
  if (cls) node.className = cls;
  if (text !== null) node.textContent = text;
  for (const [name, value] of Object.entries(attrs)) node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== null));
  return node;
}

/** Return a new SVG element. */
export function draw(tag, attrs = {}, text = null) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attrs)) node.setAttribute(name, String(value));
  if (text !== null) node.textContent = text;
  return node;
}

/** Show or hide the node, and return whether it is shown. */
export function show(node, visible = true) {
  node.hidden = !visible;
  return visible;
}

let timer = 0;

/** Announce a sentence to screen readers when nothing else was announced for `wait` milliseconds. */
export function announce(text, wait = 350) {
  clearTimeout(timer);
  timer = setTimeout(() => { byId("announcer").textContent = text; }, wait);
}

/** Return a signed number with a true minus sign. */
export function signed(number, digits = 2) {
  const text = Math.abs(number).toFixed(digits);
  if (Number(text) === 0) return text;
  return `${number < 0 ? "−" : "+"}${text}`;
}

/** Return a number with a sign only if it is negative. */
export const plain = (number, digits) => number.toFixed(digits).replace("-", "−");

/** Return seconds as milliseconds, or as seconds if there are at least ten. */
export function time(seconds) {
  if (seconds >= 10) return `${seconds.toFixed(1)} s`;
  const ms = seconds * 1000;
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** Return "1 passage" or "2 passages". */
export const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

/** Return a sentence with a capital and a full stop. */
export const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;
