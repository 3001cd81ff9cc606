/** Short notes in the corner: what an action does and how it ended. */
import { byId, html, setText } from './html.js';
import { t } from './text.js';

const SHOWN_MS = 6000;
const FAILED_SHOWN_MS = 15_000;
const AT_MOST = 5;

/** @typedef {'info' | 'running' | 'done' | 'failed'} Tone */

/**
 * @param {string} text
 * @param {Tone} tone A running one stays until it is finished.
 */
export function toast(text, tone) {
  const words = html('p', {}, text);
  const close = html('button', { type: 'button', 'aria-label': t('actions.dismiss') }, '×');
  const note = html('div', { class: 'toast', 'data-tone': tone }, words, close);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const expire = (/** @type {Tone} */ how) => {
    if (how !== 'running') timer = setTimeout(() => note.remove(), how === 'failed' ? FAILED_SHOWN_MS : SHOWN_MS);
  };
  // Who reads it has the time that reading takes.
  note.addEventListener('pointerenter', () => clearTimeout(timer));
  note.addEventListener('pointerleave', () => expire(/** @type {Tone} */ (note.dataset.tone)));
  close.addEventListener('click', () => note.remove());
  const list = byId('toasts');
  list.append(note);
  while (list.childElementCount > AT_MOST) list.firstElementChild?.remove();
  expire(tone);
  return {
    /** @param {string} result @param {Tone} how */
    finish(result, how) {
      note.dataset.tone = how;
      setText(words, result);
      clearTimeout(timer);
      expire(how);
    },
  };
}
