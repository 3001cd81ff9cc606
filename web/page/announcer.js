/** What screen readers are told though nothing has the focus: politely, or at once. */

/** @type {Record<'polite' | 'assertive', HTMLElement>} */
const regions = { polite: region('status'), assertive: region('alert') };

/** @param {string} role */
function region(role) {
  const element = document.createElement('div');
  element.setAttribute('role', role);
  element.className = 'unseen';
  document.body.append(element);
  return element;
}

/** @param {string} text @param {'polite' | 'assertive'} [how] */
export function announce(text, how = 'polite') {
  regions[how].textContent = '';
  // An empty region between two equal sentences lets the second be read as well.
  requestAnimationFrame(() => (regions[how].textContent = text));
}
