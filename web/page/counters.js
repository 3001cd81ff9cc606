/**
 * The numbers of the overview, each a link to the pods that it counts.
 *
 * @import {Census} from './census.js'
 */
import { address } from './address.js';
import { byId, html, setText } from './html.js';
import { t } from './text.js';
import { go } from './views.js';
import { compare } from './wording.js';

/** So many of each are shown; the pods' own filters have them all. */
const MOST = 12;

/** @typedef {{name: string, count: number, failing: number, parameters: Record<string, string>}} Figure */

export class Counters {
  /** @type {Census} */
  #census;

  /** @param {Census} census */
  constructor(census) {
    this.#census = census;
    for (const list of [byId('stateCounters'), byId('namespaceCounters')]) {
      list.addEventListener('click', (event) => {
        const link = event.target instanceof Element ? event.target.closest('a') : null;
        if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        go('pods', Object.fromEntries(new URLSearchParams(link.search)));
      });
    }
  }

  paint() {
    const { pods, failing, statuses, namespaces } = this.#census;
    const states = [...statuses].sort(([one, many], [other, few]) => few - many || compare(one, other));
    show(byId('stateCounters'), [
      { name: t('overview.failing'), count: failing, failing, parameters: { failing: '1' } },
      { name: t('overview.all'), count: pods, failing: 0, parameters: {} },
      ...states.slice(0, MOST).map(([name, count]) => ({ name, count, failing: 0, parameters: { status: name } })),
    ]);
    const worst = [...namespaces].sort(
      ([one, { pods: many, failing: bad }], [other, { pods: few, failing: worse }]) => worse - bad || few - many || compare(one, other),
    );
    const shown = worst.slice(0, MOST).map(([name, numbers]) => ({ name, count: numbers.pods, failing: numbers.failing, parameters: { ns: name } }));
    show(byId('namespaceCounters'), shown);
    const more = byId('moreNamespaces');
    more.hidden = worst.length <= MOST;
    setText(more, t('overview.moreNamespaces', { count: worst.length - MOST }));
  }
}

/** @param {HTMLElement} list @param {Figure[]} figures */
function show(list, figures) {
  figures.forEach(({ name, count, failing, parameters }, at) => {
    const item = /** @type {HTMLElement} */ (list.children[at] ?? list.appendChild(emptyItem()));
    const [link] = /** @type {HTMLCollectionOf<HTMLAnchorElement>} */ (item.children);
    const [number, word, bad] = link.children;
    const to = address.with({ ...NONE, view: 'pods', ...parameters });
    if (link.getAttribute('href') !== to) link.setAttribute('href', to);
    setText(number, count.toLocaleString(document.documentElement.lang));
    setText(word, name);
    const unwell = failing > 0 && count !== failing;
    setText(bad, unwell ? t('overview.ofThemFailing', { count: failing }) : '');
    link.toggleAttribute('data-failing', failing > 0);
  });
  while (list.children.length > figures.length) list.lastElementChild?.remove();
}

const NONE = { q: null, ns: null, status: null, node: null, label: null, failing: null, sort: null, kind: null };

function emptyItem() {
  return html('li', {}, html('a', {}, html('b'), html('bdi'), html('span', { class: 'bad' })));
}
