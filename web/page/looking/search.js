/**
 * Finding in lines: how many have it, and from one to the next.
 */
import { setText } from '../html.js';
import { t } from '../text.js';

export class Search {
  #field;
  #said;
  #lines;
  /** @type {HTMLElement[]} */
  #found = [];
  #at = -1;

  /**
   * @param {HTMLInputElement} field
   * @param {HTMLElement} said
   * @param {() => HTMLElement[]} lines
   */
  constructor(field, said, lines) {
    this.#field = field;
    this.#said = said;
    this.#lines = lines;
    field.addEventListener('input', () => this.again());
    field.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter') return;
      event.preventDefault();
      this.#step(event.shiftKey ? -1 : 1);
    });
  }

  /** Looks anew, as after more lines have come. */
  again() {
    for (const line of this.#found) line.classList.remove('found', 'current');
    const words = this.#field.value.trim().toLowerCase();
    this.#found = words ? this.#lines().filter((line) => (line.textContent ?? '').toLowerCase().includes(words)) : [];
    for (const line of this.#found) line.classList.add('found');
    this.#at = -1;
    setText(this.#said, words ? t('logs.found', { count: this.#found.length }) : '');
  }

  clear() {
    this.#field.value = '';
    this.again();
  }

  /** @param {1 | -1} by */
  #step(by) {
    if (this.#found.length === 0) return;
    this.#found[this.#at]?.classList.remove('current');
    this.#at = (this.#at + by + this.#found.length) % this.#found.length;
    const line = this.#found[this.#at];
    line.classList.add('current');
    line.scrollIntoView({ block: 'center' });
    setText(this.#said, t('logs.foundAt', { at: this.#at + 1, count: this.#found.length }));
  }
}

/** @param {string} name @param {string} text @param {string} type */
export function download(name, text, type) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}
