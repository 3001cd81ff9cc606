/**
 * Deploying and configuring: the default by a button, a deployment or a manifest by a form, and a form of one's own as a ConfigMap or Secret.
 *
 * A page author's own listeners come first: a submit that somebody has prevented is theirs, and nothing is sent here.
 *
 * @import {ClusterEvent, KubeCluster} from '../index.js'
 */
import { KubeDeployment } from '../kubedom.js';
import { Faults } from './form.js';
import { byId, html, setText } from './html.js';
import { Refusal, ask, askJson } from './requests.js';
import { t } from './text.js';

export class Forms {
  /** @type {KubeCluster} */
  #cluster;
  /** @type {HTMLFormElement} */
  #deploy = byId('deployForm');
  /** @type {HTMLFormElement} */
  #config = byId('configForm');
  #deployFaults = new Faults(this.#deploy, byId('deploySaid'));
  #configFaults = new Faults(this.#config, byId('configSaid'));
  /** @type {Map<string, HTMLElement>} What was started here, by the actions' names. */
  #started = new Map();

  /** @param {KubeCluster} cluster */
  constructor(cluster) {
    this.#cluster = cluster;
    byId('deployButton').addEventListener('click', () => void this.#startDefault());
    // At the window, so that whoever listens on the form or on the document has had their say.
    addEventListener('submit', (event) => {
      if (event.target === this.#deploy) this.#send(event, () => this.#sendDeploy(submitterOf(event)));
      if (event.target === this.#config) this.#send(event, () => this.#sendConfig(submitterOf(event)));
    });
    byId('deployHow').addEventListener('change', () => this.#choose());
    byId('addRow').addEventListener('click', () => this.#addRow());
    byId('manifestFile').addEventListener('change', (event) => void this.#readManifest(/** @type {HTMLInputElement} */ (event.target)));
    byId('deployNames').addEventListener('focusin', () => this.#offerNames());
    for (const type of /** @type {const} */ (['healingStarted', 'healingSucceeded', 'healingFailed'])) {
      cluster.addEventListener(type, (event) => this.#follow(event));
    }
    this.#choose();
  }

  /** @param {Event} event @param {() => Promise<void>} send */
  #send(event, send) {
    if (event.defaultPrevented) return;
    event.preventDefault();
    void send();
  }

  #choose() {
    const manifest = /** @type {HTMLInputElement} */ (byId('byManifest')).checked;
    byId('deployNames').hidden = manifest;
    byId('deployManifest').hidden = !manifest;
  }

  #offerNames() {
    const names = [...this.#cluster.querySelectorAll('kube-deployment')].filter((each) => each instanceof KubeDeployment);
    const option = (/** @type {string} */ value) => html('option', { value });
    byId('deploymentNames').replaceChildren(...[...new Set(names.map(({ name }) => name))].sort().map(option));
    byId('namespaceNames').replaceChildren(...[...new Set(names.map(({ namespace }) => namespace))].sort().map(option));
  }

  async #startDefault() {
    const said = byId('deployDefaultSaid');
    said.hidden = false;
    said.dataset.state = 'running';
    setText(said, t('forms.starting'));
    try {
      const answer = await askJson('/api/deploy', { method: 'POST' });
      this.#report(said, answer);
    } catch (error) {
      said.dataset.state = 'failed';
      setText(said, error instanceof Refusal ? `${error.message} ${error.remedy}`.trim() : t('account.unreachable'));
    }
  }

  /** @param {string} how */
  async #sendDeploy(how) {
    this.#deployFaults.clear();
    const fields = Object.fromEntries([...new FormData(this.#deploy)].filter(([, value]) => typeof value === 'string' && value !== ''));
    const manifest = fields.how === 'manifest';
    const sent = manifest ? only(fields, ['namespace', 'manifest']) : only(fields, ['namespace', 'name', 'image', 'container', 'replicas']);
    if (manifest && !sent.manifest) return this.#deployFaults.at('manifest', t('forms.noManifest'));
    if (!manifest && !sent.name) return this.#deployFaults.at('name', t('forms.noName'));
    if (how === 'dry') Object.assign(sent, { dryRun: true });
    this.#deployFaults.say(t('forms.asking'), 'running');
    try {
      const body = JSON.stringify(sent);
      this.#report(byId('deploySaid'), await askJson('/api/deploy', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body }));
    } catch (error) {
      this.#deployFaults.say('', '');
      this.#deployFaults.tell(error);
    }
  }

  /**
   * @param {HTMLElement} said
   * @param {any} answer Of `POST /api/deploy`.
   */
  #report(said, answer) {
    said.hidden = false;
    if (answer.applied) {
      const names = answer.applied.map((/** @type {any} */ { kind, name }) => `${kind} ${name}`).join(', ');
      said.dataset.state = 'done';
      setText(said, t(answer.dryRun ? 'forms.wouldApply' : 'forms.applied', { names }));
      return;
    }
    const actions = answer.healingActions ?? [answer.healingAction];
    for (const { name } of actions) this.#started.set(name, said);
    said.dataset.state = 'running';
    setText(said, t('forms.started', { names: actions.map((/** @type {any} */ { name }) => name).join(', ') }));
  }

  /** @param {ClusterEvent} event */
  #follow({ type, detail }) {
    const said = this.#started.get(detail.actionName);
    if (!said) return;
    said.dataset.state = type === 'healingStarted' ? 'running' : type === 'healingSucceeded' ? 'done' : 'failed';
    setText(said, detail.message || detail.phase);
    if (type !== 'healingStarted') this.#started.delete(detail.actionName);
  }

  #addRow() {
    const row = html(
      'div',
      { class: 'pair' },
      html('input', { type: 'text', 'aria-label': t('forms.key'), placeholder: t('forms.key'), autocomplete: 'off', spellcheck: 'false' }),
      html('textarea', { rows: '1', 'aria-label': t('forms.value'), placeholder: t('forms.value'), spellcheck: 'false' }),
    );
    const [key, value] = /** @type {[HTMLInputElement, HTMLTextAreaElement]} */ ([...row.children]);
    // The key is the name of the field, so that what is sent is the form as it is, also when another listener sends it.
    key.addEventListener('input', () => (value.name = key.value.trim()));
    byId('configRows').append(row);
    key.focus();
  }

  /** @param {HTMLInputElement} field */
  async #readManifest(field) {
    const [file] = field.files ?? [];
    if (file) /** @type {HTMLTextAreaElement} */ (byId('manifestText')).value = await file.text();
  }

  /** @param {string} how */
  async #sendConfig(how) {
    this.#configFaults.clear();
    const body = new FormData(this.#config);
    // Of a file that nobody chose, browsers send an empty one.
    for (const [name, value] of [...body]) if (value instanceof File && value.size === 0 && value.name === '') body.delete(name);
    if (how === 'dry') body.set('dryRun', 'true');
    this.#configFaults.say(t('forms.asking'), 'running');
    try {
      const answer = await (await ask('/api/v1/config/', { method: 'POST', body })).json();
      this.#configFaults.say(answer.dryRun ? differenceOf(answer) : keptAs(answer), 'done');
    } catch (error) {
      this.#configFaults.say('', '');
      this.#configFaults.tell(error);
    }
  }
}

/** @param {Event} event Which button was pressed: `dry`, or the other one. */
function submitterOf(event) {
  return event instanceof SubmitEvent && event.submitter instanceof HTMLButtonElement ? event.submitter.value : '';
}

/** @param {Record<string, unknown>} fields @param {string[]} names @returns {Record<string, unknown>} */
function only(fields, names) {
  return Object.fromEntries(names.flatMap((name) => (fields[name] === undefined ? [] : [[name, fields[name]]])));
}

/** @param {any} answer */
function differenceOf({ added, changed, removed, restarts }) {
  const told = [
    ...(added.length > 0 ? [t('forms.added', { keys: added.join(', ') })] : []),
    ...(changed.length > 0 ? [t('forms.changed', { keys: changed.join(', ') })] : []),
    ...(removed.length > 0 ? [t('forms.removed', { keys: removed.join(', ') })] : []),
    ...(restarts.length > 0 ? [t('forms.restarts', { names: restarts.map((/** @type {any} */ { kind, name }) => `${kind} ${name}`).join(', ') })] : []),
  ];
  return told.join('\n') || t('forms.nothingChanges');
}

/** @param {any} answer */
function keptAs({ applied, restarts }) {
  const restarted = restarts.map((/** @type {any} */ { kind, name, problem }) => `${kind} ${name}${problem ? `: ${problem.title ?? problem}` : ''}`);
  const more = restarted.length > 0 ? `\n${t('forms.restarts', { names: restarted.join(', ') })}` : '';
  return t('forms.kept', { name: `${applied.kind} ${applied.namespace}/${applied.name}` }) + more;
}
