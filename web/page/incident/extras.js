/**
 * What has to be asked for: the last lines of the log before the container ended, the Events, and what was done already.
 *
 * In: what the dialog shows. Out: three sections, each of which is absent, filled, or says why it cannot be. What comes after the dialog
 * went on to something else is thrown away.
 *
 * @import {Incident, KubeCluster} from '../../index.js'
 */
import { KubePod } from '../../kubedom.js';
import { byId, html, setText } from '../html.js';
import { Refusal, ask, askJson } from '../requests.js';
import { t } from '../text.js';
import { age, spaced } from '../wording.js';

const LINES = 20;
const EVENTS = 8;
const ACTIONS = 5;
/** Of a line more is cut off; the log's own view shows it whole. */
const LONGEST_LINE = 2000;

export class Extras {
  /** @type {KubeCluster} */
  #cluster;
  #asking = new AbortController();

  /** @param {KubeCluster} cluster */
  constructor(cluster) {
    this.#cluster = cluster;
  }

  /** @param {Incident} incident */
  show(incident) {
    this.clear();
    const { signal } = this.#asking;
    const { kind, name, namespace } = incident.resource;
    if (kind === 'Pod') void this.#log(incident, signal);
    if (namespace) void this.#events(kind, name, namespace, signal);
    void this.#actions(incident, signal);
  }

  clear() {
    this.#asking.abort();
    this.#asking = new AbortController();
    for (const id of ['dialogLog', 'dialogEvents', 'dialogActions']) byId(id).hidden = true;
  }

  /** @param {Incident} incident @param {AbortSignal} signal */
  async #log({ resource, container, severity }, signal) {
    const { name, namespace, uid } = resource;
    const element = this.#cluster.resource(uid);
    const restarted = Number(element?.getAttribute('restarts') ?? 0) > 0;
    const previous = severity !== 'none' && restarted;
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/log`;
    const query = { tail: LINES, container: container || firstContainer(element), previous: previous || undefined };
    let text;
    try {
      text = await (await ask(path, { query, signal })).text();
    } catch (error) {
      if (error instanceof Refusal) text = error.message;
      else return;
    }
    if (signal.aborted) return;
    const lines = text.trimEnd().split('\n').map((line) => (line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)} …` : line));
    byId('dialogLog').hidden = false;
    setText(byId('dialogLogTitle'), t(previous ? 'incident.lastWords' : 'incident.lastLines'));
    setText(byId('dialogLogText'), lines.join('\n') || t('incident.noLines'));
  }

  /** @param {string} kind @param {string} name @param {string} namespace @param {AbortSignal} signal */
  async #events(kind, name, namespace, signal) {
    let items;
    try {
      const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/events`;
      ({ items } = await askJson(path, { query: { kind, name, limit: EVENTS }, signal }));
    } catch {
      // Whoever may not list Events has none to see.
      return;
    }
    if (signal.aborted || items.length === 0) return;
    byId('dialogEvents').hidden = false;
    byId('dialogEventList').replaceChildren(
      ...items.map((/** @type {any} */ { type, reason, message, count, lastTime }) =>
        html(
          'li',
          { 'data-tone': type === 'Warning' ? 'warning' : 'done' },
          html('b', {}, reason), count > 1 ? ` ×${count}` : '', ` ${message} `, html('time', {}, age(lastTime)),
        ),
      ),
    );
  }

  /** @param {Incident} incident @param {AbortSignal} signal */
  async #actions({ resource }, signal) {
    const element = this.#cluster.resource(resource.uid);
    const owner = element instanceof KubePod ? element.workload : null;
    const about = new Set([`${resource.kind}/${resource.name}`, owner ? `${owner.kind}/${owner.name}` : '']);
    let items;
    try {
      ({ items } = await askJson('/api/v1/actions', { query: { namespace: resource.namespace, limit: 100 }, signal }));
    } catch {
      return;
    }
    const mine = items.filter((/** @type {any} */ { spec }) => about.has(`${spec.target.kind}/${spec.target.name}`)).slice(0, ACTIONS);
    if (signal.aborted || mine.length === 0) return;
    byId('dialogActions').hidden = false;
    byId('dialogActionList').replaceChildren(
      ...mine.map((/** @type {any} */ { metadata, spec, status }) => {
        const what = `${spaced(spec.action)}${spec.dryRun ? ` (${t('incident.tried')})` : ''}`;
        const who = t('incident.by', { who: spec.requestedBy || '?' });
        const phase = html('span', { class: 'state', 'data-tone': toneOf(status.phase) }, status.phase ?? 'Pending');
        return html('li', {}, html('b', {}, what), ' ', html('bdi', {}, who), ' ', phase, ' ', status.message ?? '', ' ', html('time', {}, age(metadata.creationTimestamp)));
      }),
    );
  }
}

/** @param {string | undefined} phase */
export function toneOf(phase) {
  if (phase === 'Succeeded') return 'good';
  if (phase === 'Failed' || phase === 'Denied') return 'bad';
  return phase === 'Expired' ? 'done' : 'waiting';
}

/** @param {Element | null} element */
function firstContainer(element) {
  return element instanceof KubePod ? element.object?.spec?.containers?.[0]?.name : undefined;
}
