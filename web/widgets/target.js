/**
 * Which resource a button's command is about.
 *
 * In: the widget. Out: an element of the cluster's tree, or null. `for` names it by uid or CSS selector; without `for` it is the
 * closest `kube-…` element around the widget, or what the modal around it tells of. A command that says its kind
 * (`restartDeployment`) goes up to that: on a pod it means the pod's deployment.
 */
import { KubeResource } from '../elements/resource.js';
import { find } from './cluster-of.js';
import { select } from './html.js';

/**
 * @param {Element} widget
 * @param {string} command
 * @returns {KubeResource | null}
 */
export function targetOf(widget, command) {
  const path = pathOf(widget);
  const kind = /[A-Z].*$/.exec(command)?.[0] ?? '';
  const named = customElements.get(`kube-${kind.toLowerCase()}`);
  return (named ? path.find((each) => each instanceof named) : path[0]) ?? null;
}

/**
 * @param {Element | null} element
 * @returns {KubeResource[]} The resources that it is in, the innermost first; itself among them.
 */
export function resourcesAround(element) {
  const found = [];
  for (let each = element; each; each = around(each)) if (each instanceof KubeResource) found.push(each);
  return found;
}

/** @param {Element} widget */
function pathOf(widget) {
  const name = widget.getAttribute('for');
  if (name) return resourcesAround(find(widget)?.resource(name) ?? select(document, name));
  for (let each = /** @type {Element | null} */ (widget); each; each = around(each)) {
    if (each instanceof KubeResource) return resourcesAround(each);
    // Of what a modal tells, the innermost may be gone while its owner is not.
    if ('resources' in each && Array.isArray(each.resources)) return /** @type {KubeResource[]} */ (each.resources);
  }
  return [];
}

/** @param {Element} element */
function around(element) {
  const root = element.getRootNode();
  return element.parentElement ?? (root instanceof ShadowRoot ? root.host : null);
}
