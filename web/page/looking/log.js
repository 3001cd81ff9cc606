/**
 * A container's log: its last lines, followed, or those of the container before.
 *
 * It is opened by `kubedom:log` and by the address (`log=NAMESPACE/POD`, `container`), so that a link shows the same. It follows only while it is open,
 * and scrolls only while its end is seen.
 *
 * @import {KubeCluster} from '../../index.js'
 */
import { KubePod } from '../../kubedom.js';
import { address } from '../address.js';
import { byId, html, setText } from '../html.js';
import { Refusal, ask } from '../requests.js';
import { t } from '../text.js';
import { Lines } from './lines.js';
import { Search, download } from './search.js';

const TAIL = 1000;
/** How near its end a log has to be for the end to be kept in sight, in pixels. */
const NEAR = 40;

export class LogView {
  /** @type {KubeCluster} */
  #cluster;
  /** @type {HTMLDialogElement} */
  #dialog = byId('logDialog');
  #text = byId('logText');
  #said = byId('logSaid');
  /** @type {HTMLSelectElement} */
  #container = byId('logContainer');
  /** @type {HTMLSelectElement} */
  #since = byId('logSince');
  /** @type {HTMLInputElement} */
  #follow = byId('logFollow');
  /** @type {HTMLInputElement} */
  #previous = byId('logPrevious');
  #lines = new Lines(this.#text);
  #search = new Search(byId('logSearch'), byId('logFound'), () => this.#lines.all());
  #reading = new AbortController();
  /** @type {{namespace: string, name: string} | null} */
  #pod = null;

  /** @param {KubeCluster} cluster */
  constructor(cluster) {
    this.#cluster = cluster;
    document.addEventListener('kubedom:log', (event) => {
      const pod = cluster.resource(/** @type {CustomEvent<{uid: string}>} */ (event).detail.uid);
      if (pod instanceof KubePod) address.set({ log: `${pod.namespace}/${pod.name}`, container: pod.incidents[0]?.container ?? null });
    });
    address.addEventListener('change', () => this.#show());
    for (const field of [this.#container, this.#since, this.#follow, this.#previous]) field.addEventListener('change', () => void this.#read());
    this.#container.addEventListener('change', () => address.set({ container: this.#container.value }, { replace: true }));
    /** @type {HTMLInputElement} */
    const wrap = byId('logWrap');
    wrap.addEventListener('change', () => this.#text.toggleAttribute('data-wrap', wrap.checked));
    byId('logDownload').addEventListener('click', () => download(`${this.#pod?.name}-${this.#container.value}.log`, this.#lines.text(), 'text/plain'));
    byId('logAgain').addEventListener('click', () => void this.#read());
    byId('logClose').addEventListener('click', () => this.#dialog.close());
    this.#dialog.addEventListener('close', () => {
      this.#reading.abort();
      this.#pod = null;
      address.set({ log: null, container: null });
    });
    // The pod may be known only once the cluster is read.
    cluster.addEventListener('kube:status', () => this.#show());
    this.#show();
  }

  #show() {
    const [namespace, name] = address.get('log').split('/');
    if (!name) {
      if (this.#dialog.open) this.#dialog.close();
      return;
    }
    if (this.#pod?.name === name && this.#pod.namespace === namespace) {
      this.#offerContainers();
      return;
    }
    this.#pod = { namespace, name };
    byId('logWhere').replaceChildren(html('bdi', {}, name), ` ${t('overview.in')} `, html('bdi', {}, namespace));
    this.#previous.checked = false;
    this.#follow.checked = true;
    this.#search.clear();
    this.#offerContainers();
    if (!this.#dialog.open) this.#dialog.showModal();
    byId('logTitle').focus();
    void this.#read();
  }

  #offerContainers() {
    const pod = [...this.#cluster.querySelectorAll('kube-pod')].find(
      (each) => each.name === this.#pod?.name && each.namespace === this.#pod.namespace,
    );
    const { containers = [], initContainers = [] } = /** @type {any} */ (pod?.object?.spec ?? {});
    const names = [...initContainers, ...containers].map(({ name }) => String(name));
    const wanted = address.get('container');
    if (wanted && !names.includes(wanted)) names.push(wanted);
    if (names.join() === [...this.#container.options].map(({ value }) => value).join()) return;
    const before = this.#container.value;
    this.#container.replaceChildren(...names.map((name) => html('option', { value: name }, name)));
    this.#container.value = wanted || (names.includes(before) ? before : String(containers[0]?.name ?? names[0] ?? ''));
  }

  async #read() {
    this.#reading.abort();
    this.#reading = new AbortController();
    const { signal } = this.#reading;
    if (!this.#pod) return;
    const { namespace, name } = this.#pod;
    this.#lines.clear();
    this.#say(t('logs.reading'));
    byId('logAgain').hidden = true;
    const previous = this.#previous.checked;
    const follow = this.#follow.checked && !previous;
    const query = { container: this.#container.value, since: this.#since.value, tail: TAIL, previous: previous || undefined, follow: follow || undefined };
    try {
      const answer = await ask(`/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/log`, { query, signal });
      this.#say(follow ? t('logs.following') : '');
      const decoder = new TextDecoder();
      for (const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body).getReader(); ; ) {
        const { done, value } = await reader.read();
        if (done) break;
        this.#append(decoder.decode(value, { stream: true }));
      }
      this.#lines.end();
      this.#say(follow ? t('logs.ended') : t('logs.read', { count: this.#lines.count }));
      byId('logAgain').hidden = !follow;
    } catch (error) {
      if (signal.aborted) return;
      this.#say(error instanceof Refusal ? `${error.message} ${error.remedy}`.trim() : t('logs.broken'), 'failed');
      byId('logAgain').hidden = false;
    }
    this.#search.again();
  }

  /** @param {string} text */
  #append(text) {
    const place = this.#text;
    const atEnd = place.scrollHeight - place.scrollTop - place.clientHeight < NEAR;
    this.#lines.append(text);
    if (this.#lines.dropped > 0) setText(byId('logDropped'), t('logs.dropped', { count: this.#lines.dropped }));
    byId('logDropped').hidden = this.#lines.dropped === 0;
    if (atEnd) place.scrollTop = place.scrollHeight;
  }

  /** @param {string} text @param {string} [tone] */
  #say(text, tone = '') {
    setText(this.#said, text);
    this.#said.dataset.tone = tone;
  }
}
