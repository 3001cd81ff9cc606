/**
 * Tells widgets that something in a cluster's tree is different.
 *
 * In: a cluster's element. Out: calls, at most once a frame. It promises one observer a cluster however many widgets look at it,
 * and that they take no more than a tenth of the page's time: after a painting that took long, the next one waits.
 */

const SHARE = 10;

/** @type {WeakMap<Element, TreeWatch>} */
const watches = new WeakMap();

export class TreeWatch {
  /** @type {Element} */
  #root;
  /** @type {Set<() => void>} */
  #paints = new Set();
  #observer = new MutationObserver(() => this.#schedule());
  #scheduled = false;
  #notBefore = 0;
  /** @type {Map<string, number>} What was counted in the painting that is going on. */
  #counted = new Map();

  /** @param {Element} root */
  static of(root) {
    const known = watches.get(root) ?? new TreeWatch(root);
    watches.set(root, known);
    return known;
  }

  /** @param {Element} root */
  constructor(root) {
    this.#root = root;
  }

  /**
   * Calls it now, so to speak (in the next frame), and whenever something is different.
   *
   * @param {() => void} paint
   * @param {AbortSignal} signal Ends it.
   */
  follow(paint, signal) {
    if (this.#paints.size === 0) this.#observer.observe(this.#root, { childList: true, subtree: true, attributes: true });
    this.#paints.add(paint);
    signal.addEventListener('abort', () => {
      this.#paints.delete(paint);
      if (this.#paints.size === 0) this.#observer.disconnect();
    });
    this.#schedule();
  }

  /**
   * @param {string} selector
   * @returns {number} How many elements of the tree match; while painting, the same question costs nothing the second time.
   */
  count(selector) {
    const count = this.#counted.get(selector) ?? this.#root.querySelectorAll(selector).length;
    this.#counted.set(selector, count);
    return count;
  }

  #schedule() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const wait = this.#notBefore - performance.now();
    if (wait > 0) setTimeout(() => requestAnimationFrame(this.#paint), wait);
    else requestAnimationFrame(this.#paint);
  }

  #paint = () => {
    this.#scheduled = false;
    this.#counted.clear();
    const start = performance.now();
    for (const paint of this.#paints) {
      try {
        paint();
      } catch (error) {
        reportError(error);
      }
    }
    const end = performance.now();
    this.#notBefore = end + (SHARE - 1) * (end - start);
  };
}
