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

/**
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {Element | null} Null also for what is no selector, as a uid is.
 */
export function select(root, selector) {
  try {
    return root.querySelector(selector);
  } catch {
    return null;
  }
}

/**
 * @param {Element} widget
 * @returns {string | null} Its attribute `selector`, by default everything; null when it is no selector, which the console is told.
 */
export function selectorOf(widget) {
  const selector = widget.getAttribute('selector') || '*';
  try {
    widget.matches(selector);
    return selector;
  } catch {
    console.error(`kubedom: <${widget.localName} selector="${selector}"> is not a CSS selector.`);
    return null;
  }
}

/** Whether somebody is typing, whose focus must not be taken away. */
export function typing() {
  const active = focused().at(-1);
  return active instanceof HTMLElement && (active.matches('input:not([type=checkbox]), textarea, select') || active.isContentEditable);
}

/** Whether somebody is typing, or answers a dialog. */
export function occupied() {
  return typing() || document.querySelector('dialog:modal') !== null || focused().some((each) => each.closest('dialog:modal'));
}

/** What has the focus, and what has it inside of that, as shadow roots go. */
function focused() {
  const path = [];
  for (let each = document.activeElement; each; each = each.shadowRoot?.activeElement ?? null) path.push(each);
  return path;
}

/**
 * `ContainerCrashLoop` as "Container crash loop".
 *
 * @param {string} name
 */
export function spaced(name) {
  const words = name.replace(/([a-z])([A-Z])/g, '$1 $2').replace(/([A-Z])([A-Z][a-z])/g, '$1 $2');
  return words.charAt(0).toUpperCase() + words.slice(1).replace(/\b[A-Z](?=[a-z])/g, (letter) => letter.toLowerCase());
}
