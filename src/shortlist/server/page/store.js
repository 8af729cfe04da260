// What this browser stores for the page: the history and the judgments. Nothing of it is sent with a request by itself.

const PREFIX = "shortlist-";
let trouble = "";

/** Return why the browser stores nothing, or "". */
export const storageTrouble = () => trouble;

/** Return the stored value, or `otherwise` if there is none, if it is damaged, or if the browser stores nothing. */
export function load(name, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + name)) ?? otherwise;
  } catch (error) {
    if (!(error instanceof SyntaxError)) trouble = reason(error);
    return otherwise;
  }
}

/** Store the value, and return whether the browser stored it. */
export function save(name, value) {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
    trouble = "";
  } catch (error) {
    trouble = reason(error);
  }
  return trouble === "";
}

/** Call `changed` when another tab stored a value under this name. */
export function onStored(name, changed) {
  addEventListener("storage", (event) => { if (event.key === PREFIX + name || event.key === null) changed(); });
}

const reason = (error) => error.name === "QuotaExceededError" ? "The storage of this browser is full" : "This browser stores nothing for this page";
