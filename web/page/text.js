/**
 * Every text of the page, in the reader's language.
 *
 * In: a key and its values. Out: the sentence. The catalogues are in `texts/`, one folder a language with one file a part of the
 * page; the English one says which keys there are. What the operator and the API server say comes in their own words.
 */
import en from './texts/en.js';

/** @typedef {import('./texts/catalogue.js').Key} Key */
/** @typedef {import('./texts/catalogue.js').Catalogue} Catalogue */

/** What was chosen, kept for the next visit. */
const CHOICE = 'kubedom.language';

/** @type {Record<string, {name: string, load: () => Promise<Catalogue>}>} */
export const LANGUAGES = {
  en: { name: 'English', load: async () => en },
  de: { name: 'Deutsch', load: async () => (await import('./texts/de.js')).default },
};

/** The language of the page, as a BCP 47 tag. */
export const language = chosen();
const catalogue = await LANGUAGES[language].load();
const plurals = new Intl.PluralRules(language);
const numbers = new Intl.NumberFormat(language);

document.documentElement.lang = language;

function chosen() {
  const wanted = [localStorage.getItem(CHOICE) ?? '', ...navigator.languages].map((tag) => tag.split('-')[0].toLowerCase());
  return wanted.find((tag) => tag in LANGUAGES) ?? 'en';
}

/** @param {string} tag One of `LANGUAGES`; the page is read anew in it. */
export function choose(tag) {
  localStorage.setItem(CHOICE, tag);
  location.reload();
}

/**
 * @param {Key} key
 * @param {Record<string, string | number>} [values] What stands for `{name}`; `count` chooses between `one` and `other`.
 * @returns {string}
 */
export function t(key, values = {}) {
  const text = catalogue[key];
  const form = typeof text === 'string' ? text : (text[plurals.select(Number(values.count))] ?? text.other);
  return form.replaceAll(/\{(\w+)\}/g, (whole, name) => (name in values ? shown(values[name]) : whole));
}

/** @param {string | number} value */
function shown(value) {
  return typeof value === 'number' ? numbers.format(value) : value;
}

/**
 * Puts the reader's language into markup: the text of what has `data-text`, and the attributes that `data-text-for` names.
 *
 * @param {ParentNode} root
 */
export function translate(root) {
  for (const element of root.querySelectorAll('[data-text]')) element.textContent = t(/** @type {Key} */ (element.getAttribute('data-text')));
  for (const element of root.querySelectorAll('[data-text-for]')) {
    // As in `placeholder: pods.search, title: pods.searchTitle`.
    for (const pair of (element.getAttribute('data-text-for') ?? '').split(',')) {
      const [attribute, key] = pair.split(':').map((part) => part.trim());
      element.setAttribute(attribute, t(/** @type {Key} */ (key)));
    }
  }
}
