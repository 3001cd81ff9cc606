/**
 * Keys for the whole page: `/` searches in what is shown, `?` tells the keys, `g` and a letter goes to a view, `l` and
 * `y` show the log and the YAML of what the focus is in.
 *
 * They do nothing while somebody types or a dialog is open.
 */
import { byId, typing } from './html.js';
import { go, shown } from './views.js';

/** @type {Record<string, string>} */
const VIEWS = { o: 'overview', p: 'pods', w: 'workloads', n: 'nodes', e: 'events', h: 'healing', d: 'deploy' };
/** How long the second key may take. */
const SECOND_MS = 1500;

export function listenForKeys() {
  let pressed = -Infinity;
  /** @type {HTMLDialogElement} */
  const help = byId('helpDialog');
  for (const button of [byId('helpButton'), byId('helpClose')]) {
    button.addEventListener('click', () => (help.open ? help.close() : help.showModal()));
  }
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (typing() || document.querySelector('dialog[open]')) return;
    const second = performance.now() - pressed < SECOND_MS;
    pressed = -Infinity;
    if (second && event.key in VIEWS) {
      event.preventDefault();
      go(VIEWS[event.key]);
    } else if (event.key === 'g') {
      pressed = performance.now();
    } else if (event.key === '/') {
      /** @type {HTMLElement | null} */
      const search = document.querySelector(`[data-view="${shown()}"] input[type="search"]`);
      if (!search) return;
      event.preventDefault();
      search.focus();
    } else if (event.key === 'l' || event.key === 'y') {
      const place = document.activeElement?.closest('[data-uid]');
      const detail = { uid: place?.getAttribute('data-uid') };
      if (!place || !detail.uid) return;
      event.preventDefault();
      place.dispatchEvent(new CustomEvent(event.key === 'l' ? 'kubedom:log' : 'kubedom:yaml', { bubbles: true, detail }));
    } else if (event.key === '?') {
      event.preventDefault();
      help.showModal();
    }
  });
}
