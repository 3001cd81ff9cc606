/**
 * Lines of text as a page can show them, a hundred thousand and more: in chunks of which those off screen cost nothing.
 *
 * In: text as it arrives. Out: lines in the document. Control characters are made visible, colours of terminals are left out, a line
 * that is too long is cut until somebody asks for it, and of too many lines the oldest go, which is said.
 */
import { html } from '../html.js';
import { t } from '../text.js';

const CHUNK = 200;
export const MOST_LINES = 50_000;
const LONGEST_LINE = 4000;
const COLOURS = /\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)/g;

export class Lines {
  #place;
  /** @type {HTMLElement | null} */
  #last = null;
  #rest = '';
  count = 0;
  dropped = 0;

  /** @param {HTMLElement} place */
  constructor(place) {
    this.#place = place;
    place.addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('button.whole') : null;
      const whole = button?.parentElement ? texts.get(button.parentElement) : undefined;
      if (button?.parentElement && whole !== undefined) button.parentElement.textContent = whole;
    });
  }

  clear() {
    this.#place.replaceChildren();
    this.#last = null;
    this.#rest = '';
    this.count = this.dropped = 0;
  }

  /** @param {string} text The next piece; its last line may go on in the next one. */
  append(text) {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#add(line);
    this.#drop();
  }

  /** What has no end of line is a line all the same. */
  end() {
    if (this.#rest) this.#add(this.#rest);
    this.#rest = '';
  }

  /** @returns {string} All of it, as it was written. */
  text() {
    return [...this.all()].map((line) => texts.get(line) ?? line.textContent ?? '').join('\n');
  }

  /** @returns {HTMLElement[]} */
  all() {
    return [...this.#place.children].flatMap((chunk) => /** @type {HTMLElement[]} */ ([...chunk.children]));
  }

  /** @param {string} line */
  #add(line) {
    const clean = visible(line.replace(/\r$/, ''));
    const element = html('div', { class: 'line' });
    if (clean.length > LONGEST_LINE) {
      texts.set(element, clean);
      const button = html('button', { type: 'button', class: 'whole' }, t('logs.whole', { count: clean.length }));
      element.append(clean.slice(0, LONGEST_LINE), '… ', button);
    } else {
      element.textContent = clean;
    }
    if (!this.#last || this.#last.childElementCount >= CHUNK) {
      this.#last = html('div', { class: 'chunk' });
      this.#place.append(this.#last);
    }
    this.#last.append(element);
    this.count += 1;
  }

  #drop() {
    while (this.count > MOST_LINES && this.#place.firstElementChild) {
      const { firstElementChild: oldest } = this.#place;
      this.count -= oldest.childElementCount;
      this.dropped += oldest.childElementCount;
      oldest.remove();
    }
  }
}

/** @type {WeakMap<Element, string>} The lines that are cut. */
const texts = new WeakMap();

/**
 * Text without the colours of terminals, and with control characters as the signs that Unicode has for them.
 *
 * @param {string} text
 */
export function visible(text) {
  return text
    .replace(COLOURS, '')
    .replace(/[\x00-\x08\x0b-\x1f]/g, (character) => String.fromCharCode(0x2400 + character.charCodeAt(0)))
    .replace(/[\x7f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}
