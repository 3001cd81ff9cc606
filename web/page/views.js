/**
 * The views of the page, of which one is shown: `?view=pods` in the address, the overview without.
 *
 * A view is a `<section data-view="…">` of index.html, and the links of the header go to it. Parts of the page that do work only
 * while they are looked at ask `shown()` and listen to `view` on the document.
 */
import { address } from './address.js';
import { byId } from './html.js';

/** @returns {string} The name of the view that is shown. */
export function shown() {
  const wanted = address.get('view');
  // By its id, which is found at once also among ten thousand rows.
  return document.getElementById(`view-${wanted}`) ? wanted : 'overview';
}

/** Shows what the address says, now and whenever it changes. */
export function followAddress() {
  let before = '';
  const show = () => {
    const now = shown();
    for (const section of document.querySelectorAll('[data-view]')) {
      /** @type {HTMLElement} */ (section).hidden = section.getAttribute('data-view') !== now;
    }
    for (const link of byId('views').querySelectorAll('a')) {
      if (link.dataset.to === now) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
    if (before !== now) document.dispatchEvent(new CustomEvent('view', { detail: { name: now } }));
    before = now;
  };
  address.addEventListener('change', show);
  byId('views').addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    go(link.dataset.to ?? '');
  });
  show();
}

/**
 * Goes to a view. What was filtered in the one before stays with it, but for the namespace.
 *
 * @param {string} view
 * @param {Record<string, string | readonly string[] | null>} [parameters]
 */
export function go(view, parameters = {}) {
  const others = [...new URLSearchParams(location.search).keys()].filter((name) => name !== 'ns');
  const none = Object.fromEntries(others.map((name) => [name, null]));
  address.set({ ...none, view: view === 'overview' ? null : view, ...parameters });
  // Its beginning would else be below the header.
  byId(`view-${view}`).focus({ preventScroll: true });
  scrollTo(0, 0);
}
