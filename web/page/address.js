/**
 * What is shown, as the page's address says it: the view and its filters, so that a link or a reload shows the same.
 *
 * In: parameters by name, several of one name in their order. Out: `change` events, also for the browser's back and forward.
 */
class Address extends EventTarget {
  constructor() {
    super();
    addEventListener('popstate', () => this.dispatchEvent(new Event('change')));
  }

  /** @param {string} name @returns {string} Empty where it is not there. */
  get(name) {
    return new URLSearchParams(location.search).get(name) ?? '';
  }

  /** @param {string} name @returns {string[]} */
  all(name) {
    return new URLSearchParams(location.search).getAll(name);
  }

  /**
   * @param {Record<string, string | readonly string[] | null>} changes Parameters and what they become; empty ones go.
   * @param {{replace?: boolean}} [options] `replace` while somebody types: one step back is then not one letter.
   */
  set(changes, { replace = false } = {}) {
    const to = this.with(changes);
    if (to === `${location.pathname}${location.search}`) return;
    history[replace ? 'replaceState' : 'pushState'](null, '', to);
    this.dispatchEvent(new Event('change'));
  }

  /**
   * The address with changes, for a link.
   *
   * @param {Record<string, string | readonly string[] | null>} changes
   */
  with(changes) {
    const parameters = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(changes)) {
      parameters.delete(name);
      for (const each of [value ?? []].flat()) if (each !== '') parameters.append(name, each);
    }
    const query = String(parameters);
    return `${location.pathname}${query ? `?${query}` : ''}`;
  }
}

export const address = new Address();
