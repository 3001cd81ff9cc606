/**
 * A form whose errors stand at their fields.
 *
 * In: a form whose fields have names, and each a place for its fault. Out: faults told at the field that the bridge names (RFC 9457's
 * `field`), else above the buttons; what was typed stays.
 */
import { setText } from './html.js';
import { Refusal } from './requests.js';
import { t } from './text.js';

export class Faults {
  #form;
  #said;

  /** @param {HTMLFormElement} form @param {HTMLElement} said Where is told what belongs to no field, and what came of it. */
  constructor(form, said) {
    this.#form = form;
    this.#said = said;
    form.addEventListener('input', (event) => {
      if (event.target instanceof HTMLElement) this.#mark(event.target, '');
    });
  }

  /** Takes all faults back. */
  clear() {
    for (const field of this.#form.querySelectorAll('[aria-invalid="true"]')) this.#mark(/** @type {HTMLElement} */ (field), '');
    this.say('', '');
  }

  /** @param {string} text @param {'' | 'failed' | 'done' | 'running'} state */
  say(text, state) {
    this.#said.hidden = text === '';
    this.#said.dataset.state = state;
    setText(this.#said, text);
  }

  /**
   * @param {string} name
   * @param {string} text
   */
  at(name, text) {
    const field = this.#form.elements.namedItem(name);
    if (!(field instanceof HTMLElement)) {
      this.say(text, 'failed');
      return;
    }
    this.#mark(field, text);
    field.focus();
  }

  /** @param {unknown} error */
  tell(error) {
    if (!(error instanceof Refusal)) {
      this.say(t('account.unreachable'), 'failed');
      return;
    }
    const conflicts = /** @type {{field: string, manager: string}[]} */ (error.problem.conflicts ?? []);
    const owned = conflicts.map(({ field, manager }) => t('forms.owned', { field, manager }));
    this.at(error.field, [error.message, error.remedy, ...owned].filter(Boolean).join(' '));
  }

  /** @param {HTMLElement} field @param {string} text */
  #mark(field, text) {
    const id = `${this.#form.id}-${field.getAttribute('name')}-fault`;
    let fault = document.getElementById(id);
    if (!fault && text) {
      fault = document.createElement('p');
      fault.id = id;
      fault.className = 'fault';
      (field.closest('label') ?? field).after(fault);
    }
    field.setAttribute('aria-invalid', String(text !== ''));
    if (text) field.setAttribute('aria-describedby', id);
    else field.removeAttribute('aria-describedby');
    if (fault) {
      fault.hidden = text === '';
      setText(fault, text);
    }
  }
}
