/**
 * `<kube-healthcheck src interval timeout expect name>`: asks an address again and again, and tells when it fails and when it passes.
 *
 * In: attributes. Out: `resource-failed` when a check fails and `resource-recovered` when one passes after that, once each however
 * often it is checked, and the attributes `state` (`unknown`, `passing`, `failing`) and `status` (the last answer's). It promises one
 * check at a time, none that lasts longer than `timeout`, longer pauses the longer it fails, and none while nobody looks at the page
 * or the device is offline; what was due meanwhile is done as soon as the page is looked at.
 *
 * @import {Verdict} from './expectation.js'
 */
import { reflect } from '../elements/resource.js';
import { ClusterEvent, FAILED, RECOVERED } from '../events.js';
import { describe, judge, readExpectation } from './expectation.js';
import { html, setText } from './html.js';
import { build, sheet } from './look.js';
import { KubeWidget } from './widget.js';

const INTERVAL_MS = 30_000;
const TIMEOUT_MS = 10_000;
const SHORTEST_MS = 100;
const LONGEST_MS = 24 * 3600 * 1000;
/** How far the pauses grow while it fails, unless the interval itself is longer. */
const LONGEST_BACKOFF_MS = 5 * 60 * 1000;
const UNITS = /** @type {Record<string, number>} */ ({ ms: 1, s: 1000, '': 1000, m: 60_000, h: 3_600_000 });
/** What was complained of: every check reads its times anew. @type {Set<string>} */
const unreadable = new Set();

const LOOK = sheet(`
  :host { display: inline-flex; align-items: baseline; gap: 0.4em; }
  [part=indicator] { color: var(--quiet); }
  [part=indicator]::before { content: '○'; }
  :host([state=passing]) [part=indicator] { color: var(--good); }
  :host([state=passing]) [part=indicator]::before { content: '●'; }
  :host([state=failing]) [part=indicator], :host([state=failing]) [part=message] { color: var(--bad); }
  :host([state=failing]) [part=indicator]::before { content: '✕'; }
  [part=name] { font-weight: 600; }
  [part=message] { color: var(--quiet); overflow-wrap: anywhere; }
`);

/**
 * @typedef {object} Life From the first check of an address to its last.
 * @property {AbortSignal} signal
 * @property {ReturnType<typeof setTimeout> | undefined} timer
 * @property {Promise<boolean> | null} running
 * @property {boolean} due A check that waits for somebody to look at the page.
 * @property {number} failures In a row.
 * @property {{id: string, since: string} | null} incident
 */

export class KubeHealthcheck extends KubeWidget {
  static observedAttributes = ['src', 'interval', 'timeout', 'expect', 'name'];

  #name = html('slot');
  #message = html('span', { part: 'message' });
  /** @type {Life | null} */
  #life = null;

  constructor() {
    super();
    build(this, LOOK, [
      html('span', { part: 'indicator', 'aria-hidden': 'true' }),
      html('span', { role: 'status' }, html('span', { part: 'name' }, this.#name), ' ', this.#message),
    ]);
  }

  /** @param {string} name @param {string | null} before @param {string | null} after */
  attributeChangedCallback(name, before, after) {
    if (before === after) return;
    if (name === 'src' || name === 'expect') {
      // Another address or expectation is another check: what was known says nothing about it.
      this.restart();
    } else if (name === 'name') {
      setText(this.#name, this.#called());
    } else if (this.#life && !this.#life.running && !this.#life.signal.aborted) {
      this.#next(this.#life, this.#pause(this.#life));
    }
  }

  /** Whether the last check passed; null before the first one is done. */
  get passing() {
    const state = this.getAttribute('state');
    return state === 'passing' ? true : state === 'failing' ? false : null;
  }

  /**
   * Checks now, or waits for the check that is running.
   *
   * @returns {Promise<boolean>} Whether it passed; false also when the element was taken away meanwhile.
   */
  async check() {
    const life = this.#life;
    if (!life || life.signal.aborted) return false;
    clearTimeout(life.timer);
    life.running ??= this.#ask(life);
    return life.running;
  }

  /** @protected @param {AbortSignal} signal */
  begin(signal) {
    this.#life = null;
    reflect(this, { state: 'unknown', status: null });
    setText(this.#name, this.#called());
    setText(this.#message, this.hasAttribute('src') ? 'not checked yet' : 'has no src to check');
    if (!this.hasAttribute('src')) return;
    /** @type {Life} */
    const life = { signal, timer: undefined, running: null, due: false, failures: 0, incident: null };
    this.#life = life;
    signal.addEventListener('abort', () => clearTimeout(life.timer));
    const hurry = () => {
      if (life.due && !idle()) this.#next(life, 0);
    };
    document.addEventListener('visibilitychange', hurry, { signal });
    addEventListener('online', hurry, { signal });
    this.#next(life, 0);
  }

  /** @param {Life} life @param {number} wait */
  #next(life, wait) {
    clearTimeout(life.timer);
    life.timer = setTimeout(() => {
      life.due = idle();
      if (!life.due) void this.check();
    }, wait);
  }

  /** @param {Life} life */
  async #ask(life) {
    const { signal } = life;
    const timeout = milliseconds(this.getAttribute('timeout'), TIMEOUT_MS);
    const expectation = readExpectation(this.getAttribute('expect'));
    life.due = false;
    /** @type {Verdict} */
    let verdict;
    const late = AbortSignal.timeout(timeout);
    try {
      const response = await fetch(this.#address(), { cache: 'no-store', signal: AbortSignal.any([signal, late]) });
      verdict = await judge(response, expectation);
    } catch {
      verdict = late.aborted
        ? { passed: false, reason: 'Timeout', status: 0, received: `no answer within ${timeout / 1000} s` }
        : { passed: false, reason: 'Unreachable', status: 0, received: 'no answer' };
    }
    life.running = null;
    if (signal.aborted) return false;
    // Whether it fails is not known of a device that lost its network while it asked.
    if (verdict.reason === 'Unreachable' && idle()) life.due = true;
    else this.#tell(life, verdict, describe(expectation));
    this.#next(life, this.#pause(life));
    return verdict.passed;
  }

  /**
   * While it fails the pause doubles every time, and a random part keeps pages from asking all at once.
   *
   * @param {Life} life
   */
  #pause({ failures }) {
    const interval = milliseconds(this.getAttribute('interval'), INTERVAL_MS);
    if (failures === 0) return interval;
    const longest = Math.max(interval, LONGEST_BACKOFF_MS);
    return Math.min(longest, interval * 2 ** (failures - 1)) * (0.75 + Math.random() / 4);
  }

  /** @param {Life} life @param {Verdict} verdict @param {string} expected */
  #tell(life, verdict, expected) {
    const { passed, reason, status, received } = verdict;
    const name = this.#called();
    const time = new Date().toISOString();
    const before = life.incident;
    life.failures = passed ? 0 : life.failures + 1;
    if (!passed) life.incident ??= { id: `healthcheck/${name}/${time}`, since: time };
    else life.incident = null;
    const message = passed ? `${name} is fine.` : `${name}: expected ${expected}, received ${received}.`;
    reflect(this, { state: passed ? 'passing' : 'failing', status: status || null });
    setText(this.#message, passed ? 'passing' : `failing: expected ${expected}, received ${received}`);
    const incident = life.incident ?? before;
    if (!incident || Boolean(before) === Boolean(life.incident)) return;
    this.dispatchEvent(
      new ClusterEvent(passed ? RECOVERED : FAILED, {
        id: passed ? `${incident.id}/end` : incident.id,
        time,
        resource: { kind: 'Healthcheck', namespace: '', name, uid: '' },
        severity: passed ? 'info' : 'error',
        incident: { id: incident.id, kind: 'HealthcheckFailed', phase: passed ? 'end' : 'begin', since: incident.since },
        detail: { healthcheckName: name, src: this.#address(), expected, received, status, reason, message },
        cancelable: !passed,
      }),
    );
  }

  #address() {
    const src = this.getAttribute('src') ?? '';
    return URL.canParse(src, document.baseURI) ? new URL(src, document.baseURI).href : src;
  }

  #called() {
    return this.getAttribute('name') || this.textContent?.trim() || this.getAttribute('src') || '';
  }
}

/** Nobody looks, or there is no network: a check would say nothing about what it asks. */
function idle() {
  return document.visibilityState === 'hidden' || !navigator.onLine;
}

/**
 * @param {string | null} text As `10`, `10s`, `500ms`, `2m`.
 * @param {number} otherwise
 */
function milliseconds(text, otherwise) {
  if (text === null) return otherwise;
  const [, amount = '', unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|)\s*$/.exec(text) ?? [];
  if (amount === '') {
    if (!unreadable.has(text)) {
      unreadable.add(text);
      console.warn(`kubedom: "${text}" is not a time; write it as 10, 10s, 500ms or 2m. ${otherwise / 1000} s is used.`);
    }
    return otherwise;
  }
  return Math.min(LONGEST_MS, Math.max(SHORTEST_MS, Number(amount) * (UNITS[unit] ?? 1000)));
}
