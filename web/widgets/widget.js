/**
 * What the widgets have in common: they work while they are in a document, and stop when they are taken out.
 */
export class KubeWidget extends HTMLElement {
  /** @type {AbortController | null} */
  #life = null;

  connectedCallback() {
    if (!this.#life) this.#start();
  }

  connectedMoveCallback() {}

  disconnectedCallback() {
    // A move within the document is a removal and an insertion.
    queueMicrotask(() => {
      if (this.isConnected) return;
      this.#life?.abort();
      this.#life = null;
    });
  }

  /** @protected Ends what it does, and begins anew; nothing, while it does nothing. */
  restart() {
    if (this.#life) this.#start();
  }

  /**
   * @protected
   * @param {AbortSignal} _signal Ends what is begun here.
   */
  begin(_signal) {}

  #start() {
    this.#life?.abort();
    this.#life = new AbortController();
    this.begin(this.#life.signal);
  }
}
