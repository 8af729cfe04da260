// The keyboard: one tab stop a list, arrows within and across, "/" to the query, Escape to let the chosen go.

import { byId } from "./dom.js";

/** Makes one row the tab stop of its list. */
export function tabStop(list, button) {
  for (const one of list.querySelectorAll("button.row")) one.tabIndex = one === button ? 0 : -1;
}

/** Wires both lists; `clear` lets the chosen passages go. */
export function wireKeys(lists, clear) {
  for (const [list, other] of [[lists.one, lists.two], [lists.two, lists.one]]) {
    list.addEventListener("focusin", (event) => {
      const button = event.target.closest("button.row");
      if (button) tabStop(list, button);
    });
    list.addEventListener("keydown", (event) => {
      const to = target(event, list, other);
      if (!to) return;
      event.preventDefault();
      to.focus();
      to.scrollIntoView({ block: "nearest" });
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/" && !event.target.closest("input, textarea")) {
      event.preventDefault();
      byId("query").focus();
      byId("query").select();
    } else if (event.key === "Escape" && !event.target.closest("input, textarea")) clear();
  });
}

function target(event, list, other) {
  const button = event.target.closest("button.row");
  if (!button || event.ctrlKey || event.metaKey || event.altKey) return null;
  const rows = [...list.querySelectorAll("button.row")];
  const at = rows.indexOf(button);
  switch (event.key) {
    case "ArrowDown": return rows[at + 1] ?? null;
    case "ArrowUp": return rows[at - 1] ?? null;
    case "Home": return rows[0];
    case "End": return rows.at(-1);
    case "ArrowLeft": case "ArrowRight":
      return other.querySelector(`button.row[data-id="${CSS.escape(button.dataset.id)}"]`);
    default: return null;
  }
}
