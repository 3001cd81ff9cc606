/**
 * `<kube-button command for parameters reason confirm dry-run>`: asks the cluster to do something to a resource.
 *
 * In: attributes, and a press. Out: a command, and its fate as the attribute `state` (`idle`, `running`, `succeeded`, `failed`) and as a
 * sentence that a screen reader is told. It promises one command at a time, a question before what cannot be taken back, and that
 * a press whose answer was lost does not do it twice. The attribute `denied` is there where the user may not; the API server decides
 * all the same.
 *
 * @import {HealingDetail, KubeCluster} from '../index.js'
 * @import {KubeResource} from '../elements/resource.js'
 */
import { CommandError, randomKey } from '../commands.js';
import { reflect } from '../elements/resource.js';
import { followCluster } from './cluster-of.js';
import { confirmed, dangerOf } from './confirmation.js';
import { html, setAttribute, setText, spaced } from './html.js';
import { build, sheet } from './look.js';
import { targetOf } from './target.js';
import { TreeWatch } from './tree-watch.js';
import { KubeWidget } from './widget.js';

const LOOK = sheet(`
  :host { display: inline-flex; flex-wrap: wrap; align-items: baseline; gap: 0.5em; }
  [part=status] { color: var(--quiet); font-size: 0.9em; overflow-wrap: anywhere; }
  [part=status]:empty { margin-inline-start: -0.5em; }
  :host([state=succeeded]) [part=status] { color: var(--good); }
  :host([state=succeeded]) [part=status]::before { content: '✓ ' / ''; }
  :host([state=failed]) [part=status] { color: var(--bad); }
  :host([state=failed]) [part=status]::before { content: '✕ ' / ''; }
`);

/** Nobody knows what became of these; with the same key they are the same action. */
const UNSURE = new Set(['disconnected', 'unknown']);

export class KubeButton extends KubeWidget {
  static observedAttributes = ['command', 'for', 'cluster', 'parameters', 'disabled', 'aria-label'];

  #label = html('slot');
  #button = html('button', { type: 'button', part: 'button' }, this.#label);
  #status = html('span', { part: 'status', role: 'status' });
  #root;
  #life = AbortSignal.abort();
  /** @type {KubeResource | null} The last one that was there. */
  #target = null;
  /** Why it cannot be pressed, in words. */
  #obstacle = '';
  #busy = false;
  #key = '';

  constructor() {
    super();
    this.#button.addEventListener('click', () => void this.#press());
    this.#root = build(this, LOOK, [this.#button, this.#status], { delegatesFocus: true });
  }

  /** @param {string} name @param {string | null} before @param {string | null} after */
  attributeChangedCallback(name, before, after) {
    if (before === after) return;
    if (name === 'disabled') this.#enable();
    else if (name === 'aria-label') setAttribute(this.#button, name, after);
    else this.restart();
  }

  /** The resource that a press is about; null while there is none. */
  get target() {
    const target = targetOf(this, this.#command);
    return target?.isConnected ? target : null;
  }

  get #command() {
    return this.getAttribute('command') ?? '';
  }

  /** @protected @param {AbortSignal} signal */
  begin(signal) {
    this.#life = signal;
    this.#target = null;
    this.#key = '';
    this.#tell('idle', '');
    setText(this.#label, spaced(this.#command));
    followCluster(this, (cluster, until) => this.#follow(cluster, until), signal);
  }

  /** @param {KubeCluster | null} cluster @param {AbortSignal} until */
  #follow(cluster, until) {
    /** @type {KubeResource | null | undefined} */
    let seen;
    const look = () => {
      const target = this.target;
      if (target === seen) return;
      seen = target;
      if (target && target !== this.#target) {
        this.#target = target;
        this.#key = '';
        if (!this.#busy) this.#tell('idle', '');
      }
      void this.#judge(target, until);
    };
    look();
    if (cluster) TreeWatch.of(cluster).follow(look, until);
    this.closest('kube-modal')?.addEventListener('kube:open', look, { signal: until });
  }

  /** @param {KubeResource | null} target @param {AbortSignal} until */
  async #judge(target, until) {
    this.#obstacle = target ? '' : 'There is nothing to do this to.';
    setAttribute(this, 'denied', null);
    this.#enable();
    if (!target) return;
    // Who cannot be asked forbids nothing: the API server decides when it is pressed.
    const may = await target.can(this.#command).catch(() => true);
    if (until.aborted || target !== this.target || may) return;
    this.#obstacle = 'You may not do this.';
    setAttribute(this, 'denied', '');
    this.#enable();
  }

  /** It stays in the tab order, so that a screen reader can say why it does nothing. */
  #enable() {
    const able = !this.#obstacle && !this.#busy && !this.hasAttribute('disabled');
    setAttribute(this.#button, 'aria-disabled', able ? null : 'true');
    setAttribute(this.#button, 'title', this.#obstacle || (this.#target ? nameOf(this.#target) : null));
  }

  async #press() {
    const { target } = this;
    if (!target || this.#button.getAttribute('aria-disabled') === 'true') return;
    const life = this.#life;
    this.#busy = true;
    try {
      const parameters = readParameters(this.getAttribute('parameters'));
      const dryRun = this.hasAttribute('dry-run');
      if (dryRun || (await this.#sure(target, parameters, life))) await this.#run(target, parameters, dryRun, life);
    } catch (error) {
      const held = error instanceof CommandError && error.code === 'cancelled';
      if (!life.aborted) this.#tell(held ? 'idle' : 'failed', held ? '' : error instanceof Error ? error.message : String(error));
    } finally {
      this.#busy = false;
      this.#enable();
    }
  }

  /** @param {KubeResource} target @param {Record<string, unknown>} parameters @param {AbortSignal} signal */
  async #sure(target, parameters, signal) {
    const text = this.getAttribute('confirm') || dangerOf(this.#command, parameters);
    if (!text && !this.hasAttribute('confirm')) return true;
    const label = this.textContent?.trim() || spaced(this.#command);
    const rehearse = () =>
      target.command(this.#command, parameters, { dryRun: true, signal }).then(
        ({ message }) => message || 'it would be done.',
        (error) => String(error.message),
      );
    return confirmed(this.#root, { title: `${label}: ${nameOf(target)}?`, text, yes: label, rehearse }, signal);
  }

  /** @param {KubeResource} target @param {Record<string, unknown>} parameters @param {boolean} dryRun @param {AbortSignal} signal */
  async #run(target, parameters, dryRun, signal) {
    const name = this.#command;
    const done = new AbortController();
    const progress = (/** @type {import('../index.js').ClusterEvent<HealingDetail>} */ { detail }) => {
      if (detail.action !== name) return;
      this.#tell('running', detail.message || (detail.phase === 'AwaitingApproval' ? 'Waits for approval.' : 'Running…'));
    };
    target.addEventListener('healingStarted', progress, { signal: done.signal });
    target.addEventListener('healingAwaitingApproval', progress, { signal: done.signal });
    this.#key ||= randomKey();
    this.#tell('running', 'Running…');
    try {
      const reason = this.getAttribute('reason') ?? undefined;
      const { message } = await target.command(name, parameters, { reason, dryRun, idempotencyKey: this.#key, signal });
      this.#key = '';
      if (!signal.aborted) this.#tell('succeeded', message || 'Done.');
    } catch (error) {
      if (!(error instanceof CommandError && UNSURE.has(error.code))) this.#key = '';
      throw error;
    } finally {
      done.abort();
    }
  }

  /** @param {'idle' | 'running' | 'succeeded' | 'failed'} state @param {string} text */
  #tell(state, text) {
    reflect(this, { state });
    setText(this.#status, text);
    setAttribute(this.#button, 'aria-busy', state === 'running' ? 'true' : null);
    this.#enable();
  }
}

/** @param {KubeResource} target */
function nameOf({ kind, name, namespace }) {
  return `${kind} ${name}${namespace ? ` in ${namespace}` : ''}`;
}

/**
 * @param {string | null} source
 * @returns {Record<string, unknown>}
 */
function readParameters(source) {
  try {
    const read = JSON.parse(source || '{}');
    if (read !== null && typeof read === 'object' && !Array.isArray(read)) return read;
  } catch {
    // It is told below, with everything else that is no object.
  }
  throw new Error('Its attribute "parameters" is not a JSON object, as {"replicas": 3}.');
}
