/**
 * The browser's notifications, for failures that begin while the page is not looked at.
 *
 * Only when somebody asked for them, one for many alike, and none in the quiet time. A click leads to the incident.
 *
 * @import {Incident} from '../index.js'
 */
import { byId, setText } from './html.js';
import { t } from './text.js';
import { sentence, spaced } from './wording.js';

/** What was chosen, kept for the next visit: `{on, from, to}`, the times as `HH:MM`. */
const KEPT = 'kubedom.notifications';

/** @typedef {{on: boolean, from: string, to: string}} Choice */

export class Notifications {
  #onopen;
  /** @type {Choice} */
  #choice = { on: false, from: '', to: '', ...read() };
  /** @type {HTMLInputElement} */
  #switch = byId('notify');
  /** @type {HTMLInputElement} */
  #from = byId('quietFrom');
  /** @type {HTMLInputElement} */
  #to = byId('quietTo');

  /** @param {(incident: Incident) => void} onopen */
  constructor(onopen) {
    this.#onopen = onopen;
    const can = 'Notification' in globalThis;
    byId('notifications').hidden = !can;
    if (!can) return;
    this.#switch.addEventListener('change', () => void this.#turn());
    for (const field of [this.#from, this.#to]) {
      field.addEventListener('change', () => this.#keep({ from: this.#from.value, to: this.#to.value }));
    }
    this.#show();
  }

  /** @param {Incident} incident */
  tell(incident) {
    if (!this.#choice.on || document.visibilityState === 'visible' || quiet(this.#choice, new Date())) return;
    if (!('Notification' in globalThis) || Notification.permission !== 'granted') return;
    const { name, namespace } = incident.resource;
    const title = `${spaced(incident.kind)}: ${name}${namespace ? ` (${namespace})` : ''}`;
    // Of one tag there is one at a time.
    const note = new Notification(title, { body: sentence(incident), tag: `kubedom ${incident.group || incident.id}`, icon: '/icon.svg' });
    note.onclick = () => {
      window.focus();
      this.#onopen(incident);
      note.close();
    };
  }

  async #turn() {
    const wanted = this.#switch.checked;
    const granted = wanted && (await Notification.requestPermission()) === 'granted';
    this.#keep({ on: granted });
    setText(byId('notifySaid'), wanted && !granted ? t('incident.notAllowed') : '');
  }

  /** @param {Partial<Choice>} choice */
  #keep(choice) {
    Object.assign(this.#choice, choice);
    localStorage.setItem(KEPT, JSON.stringify(this.#choice));
    this.#show();
  }

  #show() {
    this.#switch.checked = this.#choice.on && Notification.permission === 'granted';
    this.#from.value = this.#choice.from;
    this.#to.value = this.#choice.to;
  }
}

/**
 * Whether it is a time in which nobody wants to be disturbed; it may go over midnight.
 *
 * @param {Choice} choice
 * @param {Date} now
 */
export function quiet({ from, to }, now) {
  if (!from || !to || from === to) return false;
  const time = `${String(now.getHours()).padStart(2, '0')}:${String(now.getMinutes()).padStart(2, '0')}`;
  return from < to ? time >= from && time < to : time >= from || time < to;
}

/** @returns {Partial<Choice>} */
function read() {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? '{}');
  } catch {
    return {};
  }
}
