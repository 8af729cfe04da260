// The keyboard: one tab stop for each list, arrows within and across lists, "/" to the query, Escape to clear the choice.

import { byId } from "./dom.js";

/** Make one row the tab stop of its list. */
export function tabStop(list, button) {
  for (const row of list.querySelectorAll("button.row")) row.tabIndex = row === button ? 0 : -1;
}

/** Connect both lists. `clear` clears the chosen passages. */
export function wireKeys(lists, clear) {
  for (const [list, other] of [[lists.one, lists.two], [lists.two, lists.one]]) {
    list.addEventListener("focusin", (event) => {
      const button = event.target.closest("button.row");
      if (button) tabStop(list, button);
    });
    list.addEventListener("keydown", (event) => {
      const next = target(event, list, other);
      if (!next) return;
      event.preventDefault();
      next.focus();
      next.scrollIntoView({ block: "nearest" });
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
  const place = rows.indexOf(button);
  switch (event.key) {
    case "ArrowDown": return rows[place + 1] ?? null;
    case "ArrowUp": return rows[place - 1] ?? null;
    case "Home": return rows[0];
    case "End": return rows.at(-1);
    case "ArrowLeft": case "ArrowRight":
      return other.querySelector(`button.row[data-id="${CSS.escape(button.dataset.id)}"]`);
    default: return null;
  }
}
