// What follows the pointer, the focus and the width of the page.

import { byId } from "./dom.js";

/** Call `near(id)` with the passage under the pointer or the focus in the two lists, or null. */
export function wireNear(near) {
  const stages = byId("stages");
  for (const kind of ["pointerover", "focusin"]) {
    stages.addEventListener(kind, (event) => near(event.target.closest?.("button.row")?.dataset.id ?? null));
  }
  for (const kind of ["pointerleave", "focusout"]) stages.addEventListener(kind, () => near(null));
}

/** Stack the columns on a narrow page, stage two first. The order of the document is the visible order. `relay()` draws the
 * lines again. */
export function wireWidth(relay) {
  const narrow = matchMedia("(max-width: 759px)");
  const place = () => byId("stages").prepend(byId(narrow.matches ? "stage-two" : "stage-one"));
  narrow.addEventListener("change", place);
  place();
  new ResizeObserver(relay).observe(byId("stages"));
}
