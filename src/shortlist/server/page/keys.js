// The keyboard: one tab stop for each list, arrows within and across lists, y, n and u to judge, "/" to the query, h to the
// history, Escape to clear the choice.

import { byId } from "./dom.js";

/** Make one row the tab stop of its list. */
export function tabStop(list, button) {
  for (const row of list.querySelectorAll("button.row")) row.tabIndex = row === button ? 0 : -1;
}

/** Connect two lists of the same passages. `judge(id, grade)` and `undo()` are called for y, n and u. */
export function wireLists(first, second, { judge, undo }) {
  for (const [list, other] of [[first, second], [second, first]]) {
    list.addEventListener("focusin", (event) => {
      const button = event.target.closest("button.row");
      if (button) tabStop(list, button);
    });
    list.addEventListener("keydown", (event) => {
      const button = event.target.closest("button.row");
      if (!button || event.ctrlKey || event.metaKey || event.altKey) return;
      if (["y", "n", "u"].includes(event.key)) {
        event.preventDefault();
        if (event.key === "u") undo();
        else judge(button.dataset.id, event.key === "y" ? 1 : 0);
        return;
      }
      const next = target(event.key, button, list, other);
      if (!next) return;
      event.preventDefault();
      next.focus();
      next.scrollIntoView({ block: "nearest" });
    });
  }
}

/** Connect the keys that work anywhere outside a field. `clear` clears the chosen passages. */
export function wireKeys({ clear, openHistory }) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
    if (event.key === "/") {
      event.preventDefault();
      byId("query").focus();
      byId("query").select();
    } else if (event.key === "h") {
      event.preventDefault();
      openHistory();
    } else if (event.key === "Escape") clear();
  });
}

function target(key, button, list, other) {
  const rows = [...list.querySelectorAll("button.row")];
  const place = rows.indexOf(button);
  switch (key) {
    case "ArrowDown": return rows[place + 1] ?? null;
    case "ArrowUp": return rows[place - 1] ?? null;
    case "Home": return rows[0];
    case "End": return rows.at(-1);
    case "ArrowLeft": case "ArrowRight":
      return other.querySelector(`button.row[data-id="${CSS.escape(button.dataset.id)}"]`);
    default: return null;
  }
}
