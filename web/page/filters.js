/**
 * Which resources a table shows, as the address says it.
 *
 * In: the parameters `q` (words), `ns`, `kind`, `status`, `node`, `label` and `failing`. Out: a judgement on a resource, and what is active, for
 * people. Of one parameter any value is enough; a value that begins with `!` must not be; labels must all hold and are written as for
 * `kubectl --selector`. Nothing here touches the document.
 *
 * @import {KubeResource} from '../index.js'
 */

/** The parameters that have values to choose from. */
export const CHOICES = /** @type {const} */ (['ns', 'kind', 'status', 'node']);
export const PARAMETERS = /** @type {const} */ (['q', ...CHOICES, 'label', 'failing']);

/** @typedef {(typeof PARAMETERS)[number]} Parameter */
/** @typedef {{parameter: Parameter, value: string, negated: boolean, raw: string}} Active One filter; `raw` is how the address has it. */
/** @typedef {(labels: Record<string, string>) => boolean} Requirement */

const NAME = '[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?';
const KEY = `([-a-z0-9.]+/)?${NAME}`;
const VALUE = `(${NAME})?`;
const EQUAL = new RegExp(`^(?<key>${KEY})\\s*(?<sign>==?|!=)\\s*(?<value>${VALUE})$`);
const AMONG = new RegExp(`^(?<key>${KEY})\\s+(?<sign>in|notin)\\s*\\(\\s*(?<values>${VALUE}(\\s*,\\s*${VALUE})*)\\s*\\)$`);
const THERE = new RegExp(`^(?<not>!)?\\s*(?<key>${KEY})$`);

/**
 * @param {string} text One requirement on labels: `app=web`, `app!=web`, `app in (web, api)`, `app`, `!app`.
 * @returns {Requirement | null} Null for what is none.
 */
export function requirement(text) {
  const trimmed = text.trim();
  const equal = EQUAL.exec(trimmed)?.groups;
  // As in Kubernetes: what has no such label also differs.
  if (equal) return (labels) => (labels[equal.key] === equal.value) === (equal.sign !== '!=');
  const among = AMONG.exec(trimmed)?.groups;
  if (among) {
    const values = new Set(among.values.split(',').map((value) => value.trim()));
    return (labels) => (Object.hasOwn(labels, among.key) && values.has(labels[among.key])) === (among.sign === 'in');
  }
  const there = THERE.exec(trimmed)?.groups;
  return there ? (labels) => Object.hasOwn(labels, there.key) !== (there.not === '!') : null;
}

/** What can be asked of one resource; the same for every table. */
export const FIELDS = {
  /** @param {KubeResource} resource */
  ns: (resource) => resource.namespace,
  /** @param {KubeResource} resource */
  kind: (resource) => resource.kind,
  /** @param {KubeResource} resource */
  status: (resource) => resource.getAttribute('status') ?? '',
  /** @param {KubeResource} resource */
  node: (resource) => resource.getAttribute('node') ?? '',
};

export class Filters {
  /** @type {Active[]} */
  active = [];
  /** @type {Active[]} Labels that are no selectors. */
  unreadable = [];
  /** @type {((resource: KubeResource) => boolean)[]} */
  #tests = [];

  /** @param {(name: string) => string[]} values The values of a parameter, as `address.all`. */
  constructor(values) {
    for (const parameter of CHOICES) this.#choose(parameter, values(parameter).filter(Boolean));
    for (const raw of values('label').filter(Boolean)) {
      const holds = requirement(raw);
      const one = { parameter: /** @type {const} */ ('label'), value: raw, negated: false, raw };
      if (holds) this.#tests.push((resource) => holds(resource.object?.metadata?.labels ?? {}));
      else this.unreadable.push(one);
      this.active.push(one);
    }
    if (values('failing').includes('1')) {
      this.#tests.push(failing);
      this.active.push({ parameter: 'failing', value: '1', negated: false, raw: '1' });
    }
    const q = values('q').join(' ').trim();
    if (q) this.#search(q);
  }

  /** @param {KubeResource} resource */
  match(resource) {
    return this.#tests.every((test) => test(resource));
  }

  /** @param {(typeof CHOICES)[number]} parameter @param {string[]} raws */
  #choose(parameter, raws) {
    const each = raws.map((raw) => {
      const negated = raw.startsWith('!');
      return { parameter, negated, raw, value: negated ? raw.slice(1) : raw };
    });
    this.active.push(...each);
    const wanted = new Set(each.filter(({ negated }) => !negated).map(({ value }) => value));
    const unwanted = new Set(each.filter(({ negated }) => negated).map(({ value }) => value));
    const field = FIELDS[parameter];
    if (wanted.size > 0) this.#tests.push((resource) => wanted.has(field(resource)));
    if (unwanted.size > 0) this.#tests.push((resource) => !unwanted.has(field(resource)));
  }

  /** @param {string} q */
  #search(q) {
    const words = q.toLowerCase().split(/\s+/);
    const wanted = words.filter((word) => !word.startsWith('!'));
    const unwanted = words.filter((word) => word.startsWith('!')).map((word) => word.slice(1)).filter(Boolean);
    this.#tests.push((resource) => {
      const text = searchable(resource);
      return wanted.every((word) => text.includes(word)) && !unwanted.some((word) => text.includes(word));
    });
    this.active.push({ parameter: 'q', value: q, negated: false, raw: q });
  }
}

/** @param {KubeResource} resource */
export function failing(resource) {
  return resource.incidents.some((incident) => incident.severity !== 'info');
}

/** @param {KubeResource} resource */
function searchable(resource) {
  const workload = /** @type {{workload?: {name: string} | null}} */ (resource).workload?.name ?? '';
  const { name, namespace, kind } = resource;
  return `${name} ${namespace} ${kind} ${workload} ${FIELDS.status(resource)} ${FIELDS.node(resource)}`.toLowerCase();
}
