/**
 * What narrows a table: a search, choices, labels, and what is active as chips that can be turned round or taken away.
 *
 * In: the address and the values that there are. Out: the address; the table reads it from there. Nothing is kept here.
 *
 * @import {KubeResource} from '../index.js'
 * @import {Active} from './filters.js'
 */
import { address } from './address.js';
import { CHOICES, FIELDS, Filters, PARAMETERS, requirement } from './filters.js';
import { html } from './html.js';
import { t } from './text.js';
import { shown } from './views.js';
import { compare } from './wording.js';

/** @typedef {'ns' | 'kind' | 'status' | 'node'} Choice */
/**
 * @typedef {object} Options
 * @property {string} view
 * @property {HTMLElement} place Where it goes.
 * @property {readonly Choice[]} choices
 * @property {boolean} labels Whether it can be asked for labels.
 * @property {string} searchId
 */

/** How many values a choice offers; those of a large cluster are found by typing. */
const MOST = 1000;
/** So long a value may be missing from its list. */
const FILLED_MS = 500;

export class FilterBar {
  #options;
  #search;
  /** @type {Map<Choice, HTMLSelectElement>} */
  #choices = new Map();
  #labels = html('input', { type: 'text', autocomplete: 'off', spellcheck: 'false', size: '14', placeholder: t('tables.label'), 'aria-label': t('tables.label') });
  #failing = html('input', { type: 'checkbox' });
  #fault = html('p', { class: 'fault', role: 'alert', hidden: '' });
  #chips = html('ul', { class: 'chips', 'aria-label': t('tables.active') });
  /** @type {() => Iterable<{resource: KubeResource}>} */
  #rows = () => [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #filling;

  /** @param {Options} options */
  constructor(options) {
    this.#options = options;
    const { place, choices, labels, searchId, view } = options;
    this.#search = html('input', {
      type: 'search', id: searchId, autocomplete: 'off', spellcheck: 'false', 'aria-keyshortcuts': '/',
      placeholder: t('tables.search'), 'aria-label': t('tables.search'),
    });
    this.#failing.id = `${view}Failing`;
    const search = html('label', { class: 'search' }, this.#search, html('kbd', { 'aria-hidden': 'true' }, '/'));
    const form = html('form', { class: 'filters', role: 'search' }, search);
    for (const choice of choices) form.append(this.#choice(choice));
    if (labels) form.append(this.#labels);
    form.append(html('label', { class: 'switch' }, this.#failing, ` ${t('tables.failingOnly')}`));
    place.append(form, this.#fault, this.#chips);
    this.#listen(form);
    address.addEventListener('change', () => this.#show());
    this.#show();
  }

  /** @param {() => Iterable<{resource: KubeResource}>} rows What there is to choose from. */
  offer(rows) {
    this.#rows = rows;
    this.#filling ??= setTimeout(() => {
      this.#filling = undefined;
      // A list that somebody looks through stays as it is.
      for (const [choice, select] of this.#choices) if (document.activeElement !== select) this.#fill(choice);
    }, FILLED_MS);
  }

  /** @returns {Filters} What the address says of this view's resources: nodes have no namespace. */
  read() {
    const has = (/** @type {string} */ name) => !CHOICES.some((choice) => choice === name) || this.#options.choices.some((choice) => choice === name);
    return new Filters((name) => (has(name) ? address.all(name) : []));
  }

  /** Takes every filter away. */
  clear() {
    address.set(Object.fromEntries(PARAMETERS.map((name) => [name, null])));
    this.#search.focus();
  }

  /** @param {HTMLFormElement} form */
  #listen(form) {
    form.addEventListener('submit', (event) => event.preventDefault());
    // A form with several fields and no button is not sent by Enter.
    this.#labels.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') this.#addLabel();
    });
    this.#search.addEventListener('input', () => address.set({ q: this.#search.value.trim() }, { replace: true }));
    this.#labels.addEventListener('change', () => this.#addLabel());
    this.#failing.addEventListener('change', () => address.set({ failing: this.#failing.checked ? '1' : null }));
    this.#chips.addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('button') : null;
      if (!button) return;
      const { does, parameter = '', raw = '' } = button.dataset;
      if (does === 'clear') return this.clear();
      const others = address.all(parameter).filter((each) => each !== raw);
      address.set({ [parameter]: does === 'turn' ? [...others, raw.startsWith('!') ? raw.slice(1) : `!${raw}`] : others });
      // The button is gone with its chip: the focus goes to what is left.
      (this.#chips.querySelector('button') ?? this.#search).focus();
    });
  }

  /** @param {Choice} choice */
  #choice(choice) {
    const name = t(`tables.${choice}`);
    const select = html('select', { 'aria-label': name, 'data-choice': choice }, html('option', { value: '' }, name));
    this.#choices.set(choice, select);
    // Which states there are changes all the time, so it is looked up when somebody looks.
    for (const type of ['pointerdown', 'focus']) select.addEventListener(type, () => this.#fill(choice));
    select.addEventListener('change', () => {
      const { value } = select;
      select.value = '';
      const before = address.all(choice).filter((raw) => raw !== `!${value}` && raw !== value);
      if (value) address.set({ [choice]: [...before, value] });
    });
    return select;
  }

  /** @param {Choice} choice */
  #fill(choice) {
    const select = this.#choices.get(choice);
    if (!select) return;
    const field = FIELDS[choice];
    const values = new Set();
    for (const { resource } of this.#rows()) values.add(field(resource));
    const names = [...values].filter(Boolean).sort(compare).slice(0, MOST);
    if (names.join('\n') === [...select.options].slice(1).map(({ value }) => value).join('\n')) return;
    select.replaceChildren(select.options[0], ...names.map((name) => html('option', { value: name }, name)));
  }

  #addLabel() {
    const text = this.#labels.value.trim();
    this.#complain(text !== '' && !requirement(text) ? text : '');
    if (text === '' || !requirement(text)) return;
    this.#labels.value = '';
    address.set({ label: [...address.all('label').filter((each) => each !== text), text] });
  }

  /** @param {string} text What is no selector; it stays in its field. */
  #complain(text) {
    this.#fault.hidden = text === '';
    this.#fault.textContent = text === '' ? '' : t('tables.noSelector', { text });
    this.#labels.setAttribute('aria-invalid', String(text !== ''));
  }

  #show() {
    if (shown() !== this.#options.view) return;
    const { active, unreadable } = this.read();
    const q = address.get('q');
    if (this.#search.value.trim() !== q) this.#search.value = q;
    this.#failing.checked = address.get('failing') === '1';
    this.#complain(unreadable.map(({ value }) => value).join(', '));
    const chips = active.map(chip);
    if (active.length > 0) {
      chips.push(html('li', {}, html('button', { type: 'button', class: 'plain', 'data-does': 'clear' }, t('tables.clear'))));
    }
    this.#chips.replaceChildren(...chips);
  }
}

/** @param {Active} filter */
function chip({ parameter, value, negated, raw }) {
  const data = { 'data-parameter': parameter, 'data-raw': raw };
  const words = html('span', {}, parameter === 'failing' ? t('tables.failingOnly') : html('bdi', {}, value));
  const remove = html('button', { type: 'button', ...data, 'data-does': 'remove', 'aria-label': t('tables.remove', { value }) }, '×');
  if (!['ns', 'kind', 'status', 'node'].includes(parameter)) {
    const name = parameter === 'q' ? `${t('tables.searched')} ` : parameter === 'label' ? `${t('tables.label')} ` : '';
    return html('li', { class: 'chip' }, name, words, remove);
  }
  const which = t(`tables.${/** @type {'ns'} */ (parameter)}`);
  const turn = html(
    'button',
    { type: 'button', ...data, 'data-does': 'turn', title: t('tables.turn'), 'aria-label': t(negated ? 'tables.isNot' : 'tables.is', { which, value }) },
    negated ? '≠' : '=',
  );
  return html('li', { class: 'chip', ...(negated && { 'data-negated': '' }) }, `${which} `, turn, words, remove);
}
