/**
 * `<kube-modal on="podFailed podCrashLooping" selector>`: opens a dialog that tells of an event.
 *
 * In: events that reach the window, and perhaps a `<template>` (filling.js). Out: one dialog at a time on the whole page; further
 * events wait, many alike as one, and a notice says how many. It promises not to open for a replayed event, for one that a
 * listener prevented or that is not decided yet (`waitUntil`), nor by itself while somebody types or another dialog is open. What
 * recovers while it waits is not shown any more; what recovers while it is shown is said.
 *
 * Before it opens it dispatches `kube:open` on itself, so that a page can complete the content; the property `event` is what it
 * tells of.
 *
 * @import {KubeResource} from '../elements/resource.js'
 * @import {ResourceReference, WireIncident} from '../index.js'
 */
import { ClusterEvent, FAILED, RECOVERED, lowerFirst, waitedFor } from '../events.js';
import { account, fill } from './filling.js';
import { html, occupied, selectorOf, setText, spaced } from './html.js';
import { build, sheet } from './look.js';
import { resourcesAround } from './target.js';
import { KubeWidget } from './widget.js';

/** More are only counted: nobody reads them one by one. */
const LONGEST_QUEUE = 100;

const LOOK = sheet(`
  :host { display: contents; }
  dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.2em 1em; margin: 0.8em 0; }
  dt { color: var(--quiet); }
  dd { margin: 0; }
  [part=where], [part=outcome] { color: var(--quiet); }
  [part=outcome]:empty { margin: 0; }
  [part=notice] { position: fixed; inset: auto 1rem 1rem auto; z-index: 1; box-shadow: 0 4px 16px rgb(0 0 0 / 20%); }
`);

/** The modal whose dialog is open; of all on the page there is one at a time. */
/** @type {KubeModal | null} */
let shown = null;

/**
 * @typedef {object} Told
 * @property {Event & {incident?: WireIncident | null, resource?: ResourceReference, replayed?: boolean, id?: string}} event
 * @property {KubeResource[]} resources Whom it is about, the innermost first, as they were when it was told.
 * @property {string} key Events that are alike have one key.
 * @property {object[]} deciding The events that listeners may prevent it by: this one, and the generic one of the same failure.
 */

export class KubeModal extends KubeWidget {
  static observedAttributes = ['on', 'selector'];

  #title = html('span');
  #account = html('div', { part: 'account' });
  #outcome = html('p', { part: 'outcome', role: 'status' });
  #next = html('button', { type: 'button', part: 'next-button' });
  #close = html('button', { type: 'button', part: 'close' }, 'Close');
  #notice = html('button', { type: 'button', part: 'notice' });
  #heading = html('h2', { id: 'title', part: 'title', tabindex: '-1' }, html('slot', { name: 'title' }, this.#title));
  #dialog = html(
    'dialog',
    { part: 'dialog', 'aria-labelledby': 'title' },
    this.#heading,
    this.#outcome,
    html('div', { part: 'body' }, this.#account, html('slot')),
    html('div', { part: 'footer' }, html('slot', { name: 'actions' }), this.#next, this.#close),
  );
  /** @type {Set<Told>} What listeners may still prevent. */
  #undecided = new Set();
  /** @type {Told[]} */
  #waiting = [];
  /** @type {Told | null} */
  #told = null;
  /** @type {ChildNode[]} What was made of the template. */
  #filled = [];
  #byNotice = false;
  /** @type {HTMLElement | null} Where the focus was before it came to the notice. */
  #before = null;

  constructor() {
    super();
    build(this, LOOK, [html('span', { role: 'status' }, this.#notice), this.#dialog]);
    this.#close.addEventListener('click', () => this.close());
    this.#next.addEventListener('click', () => this.#openNext());
    this.#notice.addEventListener('click', () => {
      this.#byNotice = true;
      this.#openNext();
    });
    this.#notice.addEventListener('focus', ({ relatedTarget }) => {
      this.#before = relatedTarget instanceof HTMLElement ? relatedTarget : null;
    });
    this.#dialog.addEventListener('close', () => this.#closed());
    this.#count();
  }

  /** @param {string} _ @param {string | null} before @param {string | null} after */
  attributeChangedCallback(_, before, after) {
    if (before !== after) this.restart();
  }

  /** The event that the open dialog tells of; null while it is closed. */
  get event() {
    return this.#told?.event ?? null;
  }

  /** Whom it is about, the innermost first; buttons inside act on these. */
  get resources() {
    return this.#told?.resources ?? [];
  }

  get open() {
    return this.#dialog.open;
  }

  close() {
    this.#dialog.close();
    this.#empty();
  }

  /** @protected @param {AbortSignal} signal */
  begin(signal) {
    const selector = selectorOf(this);
    if (!selector) return;
    // At the window and first of all, so that nobody's stopPropagation keeps it away; that is preventDefault's.
    const options = { capture: true, signal };
    for (const type of new Set((this.getAttribute('on') ?? '').split(/\s+/).filter(Boolean))) {
      addEventListener(type, (event) => void this.#take(event, selector), options);
    }
    addEventListener(FAILED, (event) => this.#decidedBy(event), options);
    addEventListener(RECOVERED, (event) => this.#over(event.incident?.id), options);
    signal.addEventListener('abort', () => {
      this.#undecided.clear();
      this.#waiting = [];
      this.close();
      this.#count();
    });
  }

  /** @param {Told['event']} event @param {string} selector */
  async #take(event, selector) {
    const [origin] = event.composedPath();
    // What a page dispatches on its document comes from no element.
    const wanted = origin instanceof Element ? origin.matches(selector) : selector === '*';
    if (event.replayed || !wanted) return;
    const key = event.incident?.group || event.incident?.id || event.id || '';
    if (key && [this.#told, ...this.#waiting, ...this.#undecided].some((each) => each?.key === key)) return;
    const told = { event, key, resources: resourcesAround(origin instanceof Element ? origin : null), deciding: [event] };
    if (oneOfMany(told)) return;
    this.#undecided.add(told);
    // Until all listeners have heard of it, and of the failure's generic event.
    await null;
    await waitedFor(told.deciding.flatMap((each) => (each instanceof ClusterEvent ? [each] : [])));
    // It may have recovered meanwhile.
    if (!this.#undecided.delete(told) || told.deciding.some((each) => each instanceof Event && each.defaultPrevented)) return;
    this.#waiting.push(told);
    this.#waiting.splice(0, this.#waiting.length - LONGEST_QUEUE);
    if (shown?.open || occupied()) this.#count();
    else this.#openNext();
  }

  /** @param {Event & {id: string}} event The generic one after a failure's own: whoever prevents it prevents the same default. */
  #decidedBy(event) {
    for (const told of this.#undecided) if (told.event.id === event.id && event.id) told.deciding.push(event);
  }

  #openNext() {
    this.#waiting = this.#waiting.filter(stands);
    const next = this.#waiting.shift();
    if (next) this.#show(next);
    this.#count();
  }

  /** @param {Told} told */
  #show(told) {
    const { event } = told;
    const template = this.querySelector(':scope > template');
    this.#empty();
    this.#told = told;
    setText(this.#outcome, '');
    if (template instanceof HTMLTemplateElement) {
      this.#filled = fill(template, event);
      this.append(...this.#filled);
      setText(this.#title, spaced(event.type));
    } else {
      const { title, body } = account(event);
      setText(this.#title, title);
      this.#account.replaceChildren(...body);
    }
    const { kind = '', uid } = event.resource ?? {};
    if (uid) addEventListener(`${lowerFirst(kind)}Deleted`, this.#removed, true);
    this.dispatchEvent(new CustomEvent('kube:open', { bubbles: true, composed: true, detail: { event } }));
    // Whoever heard of it may have taken the modal away.
    if (!this.isConnected) return;
    shown = this;
    if (!this.#dialog.open) this.#dialog.showModal();
    // The title, not a button: a key that was on its way must not do anything.
    this.#heading.focus();
    this.#count();
  }

  #empty() {
    removeEventListener(`${lowerFirst(this.#told?.event.resource?.kind ?? '')}Deleted`, this.#removed, true);
    for (const node of this.#filled) node.remove();
    this.#filled = [];
    this.#account.replaceChildren();
    this.#told = null;
  }

  #closed() {
    // It comes late, and perhaps the next one is shown already.
    if (this.#dialog.open) return;
    this.#empty();
    if (shown === this) shown = null;
    this.#count();
    // The browser gives the focus back to the notice, which was hidden meanwhile and perhaps still is.
    if (this.#byNotice) (this.#notice.hidden ? this.#before : this.#notice)?.focus();
    this.#byNotice = false;
    this.dispatchEvent(new CustomEvent('kube:close', { bubbles: true, composed: true }));
  }

  /** @param {string | undefined} incident */
  #over(incident) {
    if (!incident) return;
    const isIt = (/** @type {Told} */ { event }) => event.incident?.id === incident;
    for (const told of this.#undecided) if (isIt(told)) this.#undecided.delete(told);
    this.#waiting = this.#waiting.filter((told) => !isIt(told));
    if (this.#told && isIt(this.#told)) setText(this.#outcome, `Recovered at ${new Date().toLocaleTimeString()}.`);
    this.#count();
  }

  #removed = (/** @type {Event & {resource?: ResourceReference}} */ { resource }) => {
    const about = this.#told?.event.resource;
    if (about && resource?.uid === about.uid) setText(this.#outcome, `This ${about.kind.toLowerCase()} was removed.`);
  };

  #count() {
    const [first, second] = this.#waiting;
    const one = `${spaced(first?.event.type ?? '')}: ${first?.event.resource?.name ?? 'look at it'}`;
    setText(this.#notice, first && !second ? one : `${this.#waiting.length} new events to look at`);
    setText(this.#next, `Next (${this.#waiting.length})`);
    this.#notice.hidden = !first || this.#dialog.open;
    this.#next.hidden = !first;
  }
}

/**
 * Whether there is still something to tell: the failure of what was removed meanwhile is nobody's concern.
 *
 * @param {Told} told
 */
function stands({ event, resources }) {
  return !event.incident || resources[0]?.isConnected !== false;
}

/**
 * Whether a failure is one more of several alike, of which the first was told already.
 *
 * @param {Told} told
 */
function oneOfMany({ event: { incident }, resources }) {
  const cluster = resources[0]?.closest('kube-cluster');
  if (!incident?.group || !cluster) return false;
  return cluster.incidents.some(({ id, group }) => id !== incident.id && (id === incident.group || group === incident.group));
}
