/**
 * Elements from values. Text is always text: names, labels and messages come from the cluster, and the content policy allows no
 * markup from strings at all.
 */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | boolean | null | undefined>} [attributes] True is an empty attribute; false and null are none.
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function html(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'string') element.setAttribute(name, value);
    else if (value) element.setAttribute(name, '');
  }
  element.append(...children);
  return element;
}

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

/**
 * Writes only what differs, so that a screen reader and the renderer hear of changes only.
 *
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * @param {Element} element
 * @param {string} name
 * @param {string | null} value
 */
export function setAttribute(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** Whether somebody is typing, whose focus must not be taken away. */
export function typing() {
  const active = document.activeElement;
  return active instanceof HTMLElement && (active.matches('input:not([type=checkbox]), textarea, select') || active.isContentEditable);
}
