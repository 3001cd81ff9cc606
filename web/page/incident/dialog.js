/**
 * The modal: what failed, why, and the buttons that mend it.
 *
 * It is the default of a failure's events (`preventDefault()` on one keeps it closed). One modal at a time: further failures wait
 * in the tray. It never opens by itself while somebody types, for a replay, or when the page was told not to; then the tray
 * counts what is new. It follows what it shows: the text changes with the incident, and a recovery or a removal is said.
 *
 * @import {Incident, KubeCluster, KubeResource} from '../../index.js'
 * @import {Command, Progress} from '../actions.js'
 * @import {Notifications} from '../notifications.js'
 */
import { CommandError, KubePod } from '../../kubedom.js';
import { aim } from '../actions.js';
import { announce } from '../announcer.js';
import { byId, html, setText, typing } from '../html.js';
import { forget, greyOut } from '../rights.js';
import { t } from '../text.js';
import { age, clock, kubectl, sentence, spaced } from '../wording.js';
import { Extras } from './extras.js';
import { factsOf, healthy } from './facts.js';
import { tried } from './trying.js';

/** What was chosen in the page's header of incidents, kept for the next visit. */
const POPUPS = 'kubedom.popups';

export class IncidentDialog {
  /** @type {KubeCluster} */
  #cluster;
  /** @type {HTMLDialogElement} */
  #dialog = byId('incidentDialog');
  /** @type {Incident | null} */
  #incident = null;
  /** @type {Set<string>} Incidents that nobody looked at yet. */
  #waiting = new Set();
  #over = false;
  /** @type {HTMLInputElement} */
  #popups = byId('popups');
  #extras;
  /** @type {Notifications | null} */
  notifications = null;
  /** @type {HTMLInputElement} */
  #dry = byId('dialogDry');
  #restartPod = /** @type {HTMLButtonElement} */ (byId('dialogRestartPod'));
  #deletePod = /** @type {HTMLButtonElement} */ (byId('dialogDeletePod'));
  #restartDeployment = /** @type {HTMLButtonElement} */ (byId('dialogRestartDeployment'));

  /** @param {KubeCluster} cluster */
  constructor(cluster) {
    this.#cluster = cluster;
    this.#extras = new Extras(cluster);
    this.#popups.checked = localStorage.getItem(POPUPS) !== 'off';
    this.#popups.addEventListener('change', () => localStorage.setItem(POPUPS, this.#popups.checked ? 'on' : 'off'));

    cluster.addEventListener('kube:default', ({ detail: { event } }) => {
      const incident = cluster.incidents.find(({ id }) => id === event.incident?.id);
      if (incident && !event.replayed && incident.severity !== 'info' && !this.#belongs(incident)) this.#news(incident);
    });
    cluster.addEventListener('resource-recovered', (event) => this.#recovered(event.incident?.id ?? '', event.time));
    cluster.addEventListener('podDeleted', (event) => this.#removed(event.resource.uid));
    cluster.addEventListener('deploymentDeleted', (event) => this.#removed(event.resource.uid));
    cluster.addEventListener('kube:change', () => this.#follow());

    byId('dialogClose').addEventListener('click', () => this.#dialog.close());
    byId('dialogOthers').addEventListener('click', () => this.#openNext());
    byId('tray').addEventListener('click', () => this.#openNext());
    this.#dialog.addEventListener('close', () => {
      this.#incident = null;
      this.#extras.clear();
      this.#count();
    });
    // A click on the backdrop is a click on the dialog itself: its content covers all of it.
    this.#dialog.addEventListener('click', (event) => {
      if (event.target === this.#dialog) this.#dialog.close();
    });
    this.#listen();
    const copy = byId('copyCommands');
    copy.hidden = !navigator.clipboard;
    copy.addEventListener('click', async () => {
      await navigator.clipboard.writeText(byId('dialogCommands').textContent ?? '');
      setText(copy, t('incident.copied'));
      setTimeout(() => setText(copy, t('incident.copy')), 2000);
    });
  }

  #listen() {
    document.addEventListener('kubedom:open', (event) => {
      const element = this.#cluster.resource(/** @type {CustomEvent<{uid: string}>} */ (event).detail.uid);
      if (element) this.open(element.incidents[0] ?? healthy(element));
    });
    // Before the listener that carries commands out, which leaves alone what was prevented.
    this.#dialog.addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('button') : null;
      const { command, uid = '' } = button?.dataset ?? {};
      if (!command || !this.#dry.checked) return;
      event.preventDefault();
      void this.#try(/** @type {Command} */ (command), uid);
    });
    byId('dialogPrint').addEventListener('click', () => print());
    for (const [id, type] of [['dialogShowLog', 'kubedom:log'], ['dialogShowYaml', 'kubedom:yaml']]) {
      byId(id).addEventListener('click', () => {
        const detail = { uid: this.#incident?.resource.uid };
        byId(id).dispatchEvent(new CustomEvent(type, { bubbles: true, detail }));
      });
    }
    byId('dialogVeto').addEventListener('click', () => void this.#veto());
  }

  /** @param {Command} command @param {string} uid */
  async #try(command, uid) {
    const element = this.#cluster.resource(uid);
    const shown = this.#incident;
    if (!element) return;
    this.#progress(t('incident.trying'), 'running');
    try {
      const { message, changes } = await tried(element, command);
      if (this.#incident !== shown) return;
      this.#progress([t('incident.wouldBe', { message }), ...changes].join('\n'), 'tried');
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      if (this.#incident === shown) this.#refused(error);
    }
  }

  async #veto() {
    const element = this.#deployment() ?? this.#element();
    const shown = this.#incident;
    if (!element) return;
    const minutes = Number(/** @type {HTMLSelectElement} */ (byId('dialogVetoTime')).value);
    const until = new Date(Date.now() + minutes * 60_000).toISOString();
    try {
      const { message } = await element.command('vetoHealing', { until }, { reason: 'held on the kubedom page' });
      if (this.#incident === shown) this.#progress(message, 'done');
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      if (this.#incident === shown) this.#refused(error);
    }
  }

  /** @param {CommandError} error */
  #refused(error) {
    this.#progress(error.message, 'failed');
    if (error.code !== 'forbidden') return;
    // The right was there when the dialog opened.
    forget(this.#dialog);
    greyOut(this.#dialog, this.#cluster);
  }

  /** @param {Incident} incident */
  open(incident) {
    this.#incident = incident;
    this.#over = false;
    this.#waiting.delete(incident.id);
    this.#say('', '');
    this.#progress('');
    this.#fill(incident);
    this.#dry.checked = false;
    this.#aimButtons();
    this.#extras.show(incident);
    forget(this.#dialog);
    greyOut(this.#dialog, this.#cluster);
    if (!this.#dialog.open) {
      this.#dialog.showModal();
      // The title, not a button: a key that was on its way must not restart anything.
      byId('dialogTitle').focus();
    }
    this.#count();
    this.#dialog.scrollTop = 0;
  }

  /** @param {Progress} progress */
  show(progress) {
    if (![this.#restartPod, this.#deletePod, this.#restartDeployment].some((button) => button.dataset.uid === progress.uid)) return;
    this.#progress(progress.text, progress.state);
    this.#aimButtons();
  }

  /** @param {Incident} incident */
  #news(incident) {
    this.notifications?.tell(incident);
    const busy = document.querySelector('dialog[open]') !== null;
    if (busy || typing() || !this.#popups.checked) {
      this.#waiting.add(incident.id);
      this.#count();
      announce(sentence(incident), incident.severity === 'critical' ? 'assertive' : 'polite');
    } else {
      this.open(incident);
    }
  }

  /**
   * Whether a failure is one more of many alike: the first opens the modal, and from the second on their workload speaks for them.
   *
   * @param {Incident} incident
   */
  #belongs(incident) {
    const group = incident.group || incident.id;
    const alike = this.#cluster.incidents.filter((each) => each.id !== incident.id && (each.id === group || each.group === group));
    if (alike.length === 0) return false;
    if (incident.group) return true;
    // The workload itself: it takes the place of its pods, whether one is shown or they wait.
    const shown = this.#dialog.open && this.#incident?.group === group;
    const waited = alike.map(({ id }) => this.#waiting.delete(id)).includes(true);
    if (shown) this.open(incident);
    else this.#waiting.add(incident.id);
    if (waited || !shown) this.#count();
    return true;
  }

  #openNext() {
    const next = this.#cluster.incidents.find(({ id }) => this.#waiting.has(id));
    if (next) this.open(next);
    else this.#count();
  }

  /** @param {string} id @param {string} time */
  #recovered(id, time) {
    this.#waiting.delete(id);
    this.#count();
    if (this.#incident?.id !== id) return;
    this.#over = true;
    const lasted = age(this.#incident.since, Date.parse(time) || Date.now());
    this.#say(t('incident.recovered', { time: clock(time), lasted }), 'good');
  }

  /** @param {string} uid */
  #removed(uid) {
    for (const { id, resource } of this.#cluster.incidents) if (resource.uid === uid) this.#waiting.delete(id);
    this.#count();
    if (this.#incident?.resource.uid !== uid) return;
    this.#over = true;
    const element = this.#cluster.resource(uid);
    const workload = element instanceof KubePod ? element.workload : null;
    const kind = this.#incident.resource.kind;
    const replaced = workload ? ` ${t('incident.replaces', { workload: `${workload.kind} ${workload.name}` })}` : '';
    this.#say(t('incident.removed', { kind: kind.toLowerCase() }) + replaced, 'gone');
    this.#restartPod.disabled = this.#deletePod.disabled = true;
  }

  #follow() {
    if (!this.#incident) return;
    const element = this.#element();
    if (!this.#over) this.#fill(this.#incident);
    if (element) this.#aimButtons();
    else this.#restartPod.disabled = this.#deletePod.disabled = true;
  }

  #element() {
    return this.#cluster.resource(this.#incident?.resource.uid ?? '');
  }

  /** @returns {KubeResource | null} The deployment that failed, or the one that the failed pod belongs to. */
  #deployment() {
    const element = this.#element();
    const owner = element instanceof KubePod ? element.parentElement?.closest('kube-deployment') : element;
    return owner && 'kind' in owner && owner.kind === 'Deployment' ? /** @type {KubeResource} */ (owner) : null;
  }

  /** @param {Incident} incident */
  #fill(incident) {
    const { kind, name, namespace } = incident.resource;
    this.#dialog.dataset.severity = incident.severity;
    const none = incident.severity === 'none';
    byId('dialogSeverity').hidden = none;
    setText(byId('dialogSeverity'), spaced(incident.severity));
    setText(byId('dialogTitle'), spaced(incident.kind));
    const where = html('span', {}, `${kind} `, html('bdi', {}, name), namespace ? ` ${t('overview.in')} ` : '', html('bdi', {}, namespace));
    if (byId('dialogWhere').textContent !== where.textContent) byId('dialogWhere').replaceChildren(where);
    setText(byId('dialogMessage'), sentence(incident));
    const { nextStep } = incident.detail;
    byId('dialogNext').hidden = !nextStep;
    setText(byId('dialogNextStep'), nextStep ?? '');
    const element = this.#element();
    setText(byId('dialogCommands'), kubectl(incident, element instanceof KubePod ? element.workload : null));
    const facts = factsOf(incident, element).flatMap(([term, value]) => [html('dt', {}, term), html('dd', {}, html('bdi', {}, value))]);
    const list = byId('dialogFacts');
    const differ = list.textContent !== facts.map((fact) => fact.textContent).join('');
    if (differ) list.replaceChildren(...facts);
  }

  #aimButtons() {
    const element = this.#element();
    const isPod = this.#incident?.resource.kind === 'Pod';
    this.#restartPod.hidden = this.#deletePod.hidden = !isPod;
    byId('dialogShowLog').hidden = !isPod;
    byId('dialogVetoing').hidden = !this.#incident?.id || !this.#incident.resource.namespace;
    if (isPod && element) {
      aim(this.#restartPod, 'restartPod', element);
      aim(this.#deletePod, 'deletePod', element);
    }
    const deployment = this.#deployment();
    if (deployment) aim(this.#restartDeployment, 'restartDeployment', deployment);
    if (deployment || element) this.#restartDeployment.hidden = !deployment;
    this.#restartPod.classList.toggle('primary', this.#incident?.detail.restartHelps !== false);
  }

  /** @param {string} text @param {string} tone */
  #say(text, tone) {
    const outcome = byId('dialogOutcome');
    outcome.hidden = text === '';
    outcome.dataset.tone = tone;
    setText(outcome, text);
  }

  /** @param {string} text @param {string} [state] */
  #progress(text, state = '') {
    const progress = byId('dialogProgress');
    progress.hidden = text === '';
    progress.dataset.state = state;
    setText(progress, text);
  }

  #count() {
    const tray = byId('tray');
    const others = byId('dialogOthers');
    const count = this.#waiting.size;
    tray.hidden = count === 0 || this.#dialog.open;
    others.hidden = count === 0 || !this.#dialog.open;
    setText(tray, t('incident.toLookAt', { count }));
    setText(others, t('incident.next', { count }));
  }
}
