/**
 * What a modal shows of an event: a page's own template filled in, or a plain account of it.
 *
 * In: an event and perhaps a template. Out: nodes. Values are only ever text, so that nothing from the cluster becomes markup.
 */
import { html, spaced } from './html.js';

/** Told elsewhere in the account, or for scripts only. */
const NOT_FACTS = new Set(['message', 'nextStep', 'namespace', 'restartHelps']);

/**
 * Copies a template; in it, `<slot name="podName">nothing</slot>` becomes the text of `detail.podName`, or what is inside the slot
 * where the detail has no such field. Frameworks put what is in a template beside its content, so both are looked at.
 *
 * @param {HTMLTemplateElement} template
 * @param {Event} event
 * @returns {ChildNode[]}
 */
export function fill(template, event) {
  const source = template.content.childNodes.length > 0 ? template.content : template;
  const copy = document.createDocumentFragment();
  for (const node of source.childNodes) copy.append(document.importNode(node, true));
  const values = valuesOf(event);
  for (const slot of copy.querySelectorAll('slot[name]')) {
    const value = text(values[slot.getAttribute('name') ?? '']);
    slot.replaceWith(...(value ? [value] : slot.childNodes));
  }
  return [...copy.childNodes];
}

/**
 * @param {Event} event
 * @returns {{title: string, body: Node[]}}
 */
export function account(event) {
  const { message, nextStep, ...values } = valuesOf(event);
  const { resource } = /** @type {{resource?: {kind: string, name: string, namespace: string}}} */ (/** @type {unknown} */ (event));
  const body = [];
  if (resource) {
    const where = resource.namespace ? [' in ', html('bdi', {}, resource.namespace)] : [];
    body.push(html('p', { part: 'where' }, `${resource.kind} `, html('bdi', {}, resource.name), ...where));
  }
  if (message) body.push(html('p', { part: 'message' }, text(message)));
  if (nextStep) body.push(html('p', { part: 'next' }, text(nextStep)));
  const facts = Object.entries(values).filter(([name, value]) => !NOT_FACTS.has(name) && text(value) && !(resource && name.endsWith('Name')));
  if (facts.length > 0) {
    const rows = facts.flatMap(([name, value]) => [html('dt', {}, spaced(name)), html('dd', {}, html('bdi', {}, text(value)))]);
    body.push(html('dl', { part: 'facts' }, ...rows));
  }
  return { title: spaced(event.type), body };
}

/**
 * @param {Event} event
 * @returns {Record<string, unknown>}
 */
function valuesOf(event) {
  const detail = event instanceof CustomEvent ? event.detail : null;
  return detail !== null && typeof detail === 'object' ? detail : {};
}

/** @param {unknown} value */
function text(value) {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.filter((each) => typeof each !== 'object').join(', ');
  return typeof value === 'object' ? '' : String(value);
}
