/** Elements of kubedom's own page: as the widgets make them, and those that index.html has. */
export { html, setAttribute, setText, typing } from '../widgets/html.js';

/**
 * An element that index.html must have.
 *
 * @template {Element} [Type=HTMLElement]
 * @param {string} id
 * @returns {Type}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`index.html has no element #${id}.`);
  return /** @type {Type} */ (/** @type {unknown} */ (element));
}
