/**
 * The list of what is failing, the worst first: a line for each workload, with all that fails in it when it is unfolded.
 *
 * @import {Incident, KubeCluster} from '../index.js'
 * @import {Trends} from './trends.js'
 */
import { KubePod } from '../kubedom.js';
import { byId, html, setAttribute, setText } from './html.js';
import { repaint } from './painting.js';
import { t } from './text.js';
import { age, clock, rank, sentence, spaced } from './wording.js';

const AT_MOST = 50;
/** So many of one workload are shown when it is unfolded. */
const MEMBERS = 20;
const AGES_MS = 5000;

/** @typedef {{key: string, first: Incident, others: Incident[]}} Group */
/** @typedef {{item: HTMLLIElement, button: HTMLButtonElement, what: HTMLElement, text: HTMLElement, next: HTMLElement, where: HTMLElement, since: HTMLElement, trend: HTMLElement, more: HTMLDetailsElement, summary: HTMLElement, members: HTMLElement}} Item */

export class IncidentList {
  /** @type {KubeCluster} */
  #cluster;
  #trends;
  /** @type {Map<string, Item>} */
  #items = new Map();

  /**
   * @param {KubeCluster} cluster
   * @param {Trends} trends
   * @param {(incident: Incident) => void} onopen
   */
  constructor(cluster, trends, onopen) {
    this.#cluster = cluster;
    this.#trends = trends;
    byId('incidentList').addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('button') : null;
      const incident = cluster.incidents.find(({ id }) => id === button?.dataset.incident);
      if (incident) onopen(incident);
    });
    setInterval(() => this.refresh(), AGES_MS);
  }

  refresh() {
    repaint(this.#paint);
  }

  #paint = () => {
    const groups = this.#groups();
    const shown = groups.slice(0, AT_MOST);
    const list = byId('incidentList');
    const keys = new Set(shown.map(({ key }) => key));
    for (const [key, { item }] of this.#items) {
      if (keys.has(key)) continue;
      item.remove();
      this.#items.delete(key);
    }
    shown.forEach((group, at) => {
      const { item } = this.#item(group);
      if (list.children[at] !== item) list.insertBefore(item, list.children[at] ?? null);
    });
    const badge = byId('incidentCount');
    badge.hidden = groups.length === 0;
    setText(badge, String(groups.length));
    byId('noIncidents').hidden = groups.length > 0 || this.#cluster.status.state === 'connecting';
    const more = byId('moreIncidents');
    more.hidden = groups.length <= AT_MOST;
    setText(more, t('overview.moreIncidents', { count: groups.length - AT_MOST }));
  };

  /** @returns {Group[]} */
  #groups() {
    const incidents = worstFirst(this.#cluster.incidents);
    const ids = new Set(incidents.map(({ id }) => id));
    /** @type {Map<string, {own: Incident[], covered: Incident[]}>} */
    const byOwner = new Map();
    for (const incident of incidents) {
      const key = this.#ownerOf(incident);
      const group = byOwner.get(key) ?? { own: [], covered: [] };
      byOwner.set(key, group);
      // A workload's own incident stands for those of its pods.
      (ids.has(incident.group) ? group.covered : group.own).push(incident);
    }
    const places = new Map(incidents.map((incident, at) => [incident, at]));
    return [...byOwner]
      .map(([key, { own, covered }]) => {
        const [first, ...others] = [...own, ...covered];
        return { key, first, others };
      })
      .sort((one, other) => Number(places.get(one.first)) - Number(places.get(other.first)));
  }

  /** @param {Incident} incident */
  #ownerOf({ resource }) {
    const element = this.#cluster.resource(resource.uid);
    const workload = element instanceof KubePod ? element.workload : null;
    return workload ? `${workload.kind}/${resource.namespace}/${workload.name}` : `${resource.kind}/${resource.namespace}/${resource.name}`;
  }

  /** @param {Group} group */
  #item({ key, first, others }) {
    let known = this.#items.get(key);
    if (!known) {
      known = createItem();
      this.#items.set(key, known);
    }
    // Also the kind changes: a container that failed begins to crash loop.
    setAttribute(known.button, 'data-incident', first.id);
    setText(known.what, spaced(first.kind));
    setText(known.text, sentence(first));
    const { nextStep } = first.detail;
    known.next.hidden = !nextStep;
    setText(known.next, nextStep ? `→ ${nextStep}` : '');
    const { kind, name, namespace } = first.resource;
    const where = `${kind} ${name}${namespace ? ` ${t('overview.in')} ${namespace}` : ''}`;
    if (known.where.textContent !== where) {
      known.where.replaceChildren(`${kind} `, html('bdi', {}, name), namespace ? ` ${t('overview.in')} ` : '', html('bdi', {}, namespace));
    }
    setText(known.since, age(first.since));
    setAttribute(known.since, 'datetime', first.since);
    setAttribute(known.since, 'title', t('overview.since', { time: clock(first.since) }));
    setAttribute(known.item, 'data-severity', first.severity);
    this.#trend(known, first);
    known.more.hidden = others.length === 0;
    setText(known.summary, t('overview.moreOfIt', { count: others.length }));
    const members = others.slice(0, MEMBERS);
    const ids = members.map(({ id, kind: each }) => `${id} ${each}`).join();
    if (known.members.dataset.ids !== ids) {
      known.members.dataset.ids = ids;
      known.members.replaceChildren(...members.map(member));
    }
    return known;
  }

  /** @param {Item} known @param {Incident} incident */
  #trend({ trend }, { resource }) {
    const element = this.#cluster.resource(resource.uid);
    const workload = element instanceof KubePod ? element.parentElement : element;
    const uid = workload?.getAttribute('uid') ?? '';
    const lines = [
      this.#trends.sparkline(uid, 'ready', t('overview.readyPods')),
      this.#trends.sparkline(uid, 'restarts', t('overview.restarts')),
    ].filter((line) => line !== null);
    const now = lines.map((line) => line.getAttribute('aria-label')).join();
    if (trend.dataset.now === now) return;
    trend.dataset.now = now;
    trend.replaceChildren(...lines);
  }
}

/** @param {readonly Incident[]} incidents */
function worstFirst(incidents) {
  return incidents
    .map((incident) => ({ incident, severity: rank(incident.severity), since: Date.parse(incident.since) }))
    .sort((one, other) => one.severity - other.severity || other.since - one.since)
    .map(({ incident }) => incident);
}

/** @returns {Item} */
function createItem() {
  const [what, text, next, where] = ['what', 'sentence', 'nextStep', 'where'].map((name) => html('span', { class: name }));
  const since = html('time');
  const trend = html('span', { class: 'trend' });
  const button = html('button', { type: 'button', class: 'incident' }, html('span', { class: 'line' }, what, trend, since), text, next, where);
  const summary = html('summary');
  const members = html('ul', { class: 'members' });
  const more = html('details', { hidden: '' }, summary, members);
  return { item: html('li', {}, button, more), button, what, text, next, where, since, trend, more, summary, members };
}

/** @param {Incident} incident */
function member({ id, kind, severity, resource }) {
  return html(
    'li',
    { 'data-severity': severity },
    html('button', { type: 'button', class: 'incident', 'data-incident': id }, html('span', { class: 'what' }, spaced(kind)), ' ', html('bdi', {}, resource.name)),
  );
}
