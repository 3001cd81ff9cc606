/**
 * One paint a frame for everything on the page that changes.
 *
 * Parts say that they are out of date as often as they like; they are painted once, in requestAnimationFrame. In a tab that is
 * not looked at nothing is painted at all, and everything once it is.
 */

/** @type {Set<() => void>} */
const due = new Set();
let asked = false;

/** @param {() => void} paint The same function each time, so that it is painted once. */
export function repaint(paint) {
  due.add(paint);
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    const now = [...due];
    due.clear();
    for (const each of now) each();
  });
}
