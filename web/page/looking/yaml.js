/**
 * An object as YAML, as the user may see it.
 *
 * It is opened by `kubedom:yaml` and by the address (`yaml=KIND/NAMESPACE/NAME`, and `of` for the apiVersion of a kind that is not built in).
 *
 * @import {KubeCluster} from '../../index.js'
 */
import { address } from '../address.js';
import { byId, html, setText } from '../html.js';
import { Refusal, ask } from '../requests.js';
import { t } from '../text.js';
import { visible } from './lines.js';
import { Search, download } from './search.js';

const LONGEST_LINE = 4000;
const LINE = /^(\s*(?:- )*)(?:("[^"]*"|[^\s:#"'][^:#]*?)(:)(?=\s|$))?(.*)$/;

/** @typedef {{uid?: string, kind?: string, namespace?: string, name?: string, apiVersion?: string}} Wanted */

export class YamlView {
  /** @type {HTMLDialogElement} */
  #dialog = byId('yamlDialog');
  #place = byId('yamlText');
  #said = byId('yamlSaid');
  #search = new Search(byId('yamlSearch'), byId('yamlFound'), () => /** @type {HTMLElement[]} */ ([...this.#place.children]));
  #shown = '';
  #text = '';
  #asking = new AbortController();

  /** @param {KubeCluster} cluster */
  constructor(cluster) {
    document.addEventListener('kubedom:yaml', (event) => {
      const wanted = /** @type {CustomEvent<Wanted>} */ (event).detail;
      const { kind, namespace, name } = wanted.uid ? (cluster.resource(wanted.uid) ?? {}) : wanted;
      if (kind && name) address.set({ yaml: `${kind}/${namespace ?? ''}/${name}`, of: wanted.apiVersion ?? null });
    });
    address.addEventListener('change', () => void this.#show());
    byId('yamlDownload').addEventListener('click', () => download(`${this.#shown.split('/').at(-1)}.yaml`, this.#text, 'application/yaml'));
    const copy = byId('yamlCopy');
    copy.hidden = !navigator.clipboard;
    copy.addEventListener('click', async () => {
      await navigator.clipboard.writeText(this.#text);
      setText(copy, t('incident.copied'));
      setTimeout(() => setText(copy, t('incident.copy')), 2000);
    });
    byId('yamlClose').addEventListener('click', () => this.#dialog.close());
    this.#dialog.addEventListener('close', () => {
      this.#asking.abort();
      this.#shown = '';
      address.set({ yaml: null, of: null });
    });
    void this.#show();
  }

  async #show() {
    const wanted = address.get('yaml');
    if (wanted === this.#shown) return;
    if (!wanted) {
      this.#dialog.close();
      return;
    }
    this.#shown = wanted;
    const [kind, namespace, name] = wanted.split('/');
    byId('yamlWhere').replaceChildren(`${kind} `, html('bdi', {}, name ?? ''), namespace ? ` ${t('overview.in')} ` : '', html('bdi', {}, namespace ?? ''));
    this.#place.replaceChildren();
    this.#search.clear();
    this.#say(t('logs.reading'));
    if (!this.#dialog.open) this.#dialog.showModal();
    byId('yamlTitle').focus();
    this.#asking.abort();
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    try {
      const query = { kind, namespace, name, apiVersion: address.get('of') };
      this.#text = await (await ask('/api/v1/objects', { query, signal })).text();
      if (signal.aborted) return;
      this.#place.replaceChildren(...this.#text.trimEnd().split('\n').map(lineOf));
      this.#say('');
    } catch (error) {
      if (signal.aborted) return;
      this.#text = '';
      this.#say(error instanceof Refusal ? `${error.message} ${error.remedy}`.trim() : t('logs.broken'), 'failed');
    }
  }

  /** @param {string} text @param {string} [tone] */
  #say(text, tone = '') {
    setText(this.#said, text);
    this.#said.dataset.tone = tone;
  }
}

/** @param {string} line With its key in a colour of its own; what is in it is text and nothing else. */
function lineOf(line) {
  const cut = line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)} …` : line;
  const [, indent = '', key = '', colon = '', value = ''] = LINE.exec(visible(cut)) ?? [];
  return html('div', { class: 'line' }, indent, key ? html('span', { class: 'key' }, key) : '', colon, html('span', { class: 'value' }, value));
}
