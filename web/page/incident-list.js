/**
 * The list of what is failing, the worst first.
 *
 * @import {Incident, KubeCluster} from '../index.js'
 */
import { byId, html, setAttribute, setText } from './html.js';
import { repaint } from './painting.js';
import { age, clock, counted, rank, sentence, spaced } from './wording.js';

const AT_MOST = 50;
const AGES_MS = 5000;

export class IncidentList {
  /** @type {KubeCluster} */
  #cluster;
  /** @type {Map<string, {item: HTMLLIElement, what: HTMLElement, text: HTMLElement, since: HTMLElement}>} */
  #items = new Map();

  /**
   * @param {KubeCluster} cluster
   * @param {(incident: Incident) => void} onopen
   */
  constructor(cluster, onopen) {
    this.#cluster = cluster;
    byId('incidentList').addEventListener('click', (event) => {
      const item = event.target instanceof Element ? event.target.closest('li') : null;
      const incident = cluster.incidents.find(({ id }) => id === item?.dataset.incident);
      if (incident) onopen(incident);
    });
    setInterval(() => this.refresh(), AGES_MS);
  }

  refresh() {
    repaint(this.#paint);
  }

  #paint = () => {
    const all = this.#cluster.incidents;
    const ids = new Set(all.map(({ id }) => id));
    // A workload's incident stands for those of its pods.
    const incidents = all
      .filter(({ group }) => !ids.has(group))
      .sort((one, other) => rank(one.severity) - rank(other.severity) || Date.parse(other.since) - Date.parse(one.since));
    const shown = incidents.slice(0, AT_MOST);
    const list = byId('incidentList');
    const visible = new Set(shown.map(({ id }) => id));
    for (const [id, { item }] of this.#items) {
      if (visible.has(id)) continue;
      item.remove();
      this.#items.delete(id);
    }
    shown.forEach((incident, at) => {
      const item = this.#item(incident);
      if (list.children[at] !== item) list.insertBefore(item, list.children[at] ?? null);
    });
    const badge = byId('incidentCount');
    badge.hidden = incidents.length === 0;
    setText(badge, String(incidents.length));
    byId('noIncidents').hidden = incidents.length > 0 || this.#cluster.status.state === 'connecting';
    const more = byId('moreIncidents');
    more.hidden = incidents.length <= AT_MOST;
    setText(more, `and ${counted(incidents.length - AT_MOST, 'more', 'more')}; the pods table can show only those that fail.`);
  };

  /** @param {Incident} incident */
  #item(incident) {
    let known = this.#items.get(incident.id);
    if (!known) {
      const text = html('span', { class: 'sentence' });
      const since = html('time');
      const { kind, name, namespace } = incident.resource;
      const where = html('span', { class: 'where' }, `${kind} `, html('bdi', {}, name), namespace ? ' in ' : '', html('bdi', {}, namespace));
      const what = html('span', { class: 'what' });
      const button = html('button', { type: 'button' }, html('span', { class: 'line' }, what, since), text, where);
      known = { item: html('li', { 'data-incident': incident.id }, button), what, text, since };
      this.#items.set(incident.id, known);
    }
    // Also the kind changes: a container that failed begins to crash loop.
    setText(known.what, spaced(incident.kind));
    setText(known.text, sentence(incident));
    setText(known.since, age(incident.since));
    setAttribute(known.since, 'datetime', incident.since);
    setAttribute(known.since, 'title', `since ${clock(incident.since)}`);
    setAttribute(known.item, 'data-severity', incident.severity);
    return known.item;
  }
}
