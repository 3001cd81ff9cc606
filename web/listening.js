/**
 * Waiting for events: `once()` as a promise, `stream()` as an async iterator.
 *
 * Both promise that no listener outlives its purpose: it goes with the event, the signal, an error or the end of the loop, and
 * also when nobody can hear of it any more. A promise without a reaction and an iterator that nobody waits for are held weakly
 * by their listener, and when they are collected it is removed. What somebody waits for is held as long as the target is.
 *
 * @import {StreamOptions} from './index.js'
 */

/**
 * A listener and what it takes to remove it. The registry below is a root, so nothing of the page may hang on this: the target
 * and the signal are held weakly, and everything else by the owner.
 *
 * @template {object} Owner
 */
class Listening {
  #owner;
  #target;
  #type;
  #signal;
  #hear;
  #abort;
  /** @type {Owner | null} The owner, while somebody waits for it. */
  #held = null;

  /**
   * @param {EventTarget} target
   * @param {string} type
   * @param {AbortSignal | undefined} signal
   * @param {Owner} owner
   * @param {(owner: Owner, event: Event) => void} hear May refer to nothing but its arguments, as `abort`.
   * @param {(owner: Owner, reason: unknown) => void} abort
   */
  constructor(target, type, signal, owner, hear, abort) {
    this.#owner = new WeakRef(owner);
    this.#target = new WeakRef(target);
    this.#type = type;
    this.#signal = signal && new WeakRef(signal);
    this.#hear = hear;
    this.#abort = abort;
    target.addEventListener(type, this.#onevent);
    signal?.addEventListener('abort', this.#onabort);
    abandoned.register(owner, this, this);
  }

  #onevent = (/** @type {Event} */ event) => {
    const owner = this.#owner.deref();
    if (owner) this.#hear(owner, event);
  };

  #onabort = () => {
    const owner = this.#owner.deref();
    if (owner) this.#abort(owner, this.#signal?.deref()?.reason);
  };

  /** Somebody waits: from now on the target keeps the owner, and the registry must not keep this. */
  hold() {
    if (this.#held) return;
    this.#held = this.#owner.deref() ?? null;
    abandoned.unregister(this);
  }

  /** Nobody waits at present. */
  release() {
    if (this.#held) abandoned.register(this.#held, this, this);
    this.#held = null;
  }

  end() {
    this.#held = null;
    abandoned.unregister(this);
    this.#target.deref()?.removeEventListener(this.#type, this.#onevent);
    this.#signal?.deref()?.removeEventListener('abort', this.#onabort);
  }
}

/** @type {FinalizationRegistry<Listening<any>>} */
const abandoned = new FinalizationRegistry((listening) => listening.end());

/**
 * A promise that knows whether anybody waits for it.
 *
 * @extends {Promise<any>}
 */
class NextEvent extends Promise {
  /** @type {Listening<NextEvent> | undefined} */
  #listening;
  /** @type {((event: any) => boolean) | undefined} */
  #filter;
  /** @type {(event: unknown) => void} */
  #resolve = () => {};
  /** @type {(reason: unknown) => void} */
  #reject = () => {};

  // What is derived from it is an ordinary promise.
  static get [Symbol.species]() {
    return Promise;
  }

  /**
   * @param {EventTarget} target
   * @param {string} type
   * @param {{signal?: AbortSignal, filter?: (event: any) => boolean}} options
   */
  static of(target, type, { signal, filter }) {
    /** @type {any} */
    let settle;
    const promise = new NextEvent((resolve, reject) => {
      settle = { resolve, reject };
    });
    promise.#resolve = settle.resolve;
    promise.#reject = settle.reject;
    promise.#filter = filter;
    if (signal?.aborted) settle.reject(signal.reason);
    else promise.#listening = new Listening(target, type, signal, promise, NextEvent.#hear, NextEvent.#abort);
    return promise;
  }

  /** @param {NextEvent} promise @param {Event} event */
  static #hear(promise, event) {
    try {
      if (promise.#filter && !promise.#filter(event)) return;
      promise.#resolve(event);
    } catch (error) {
      promise.#reject(error);
    }
    promise.#end();
  }

  /** @param {NextEvent} promise @param {unknown} reason */
  static #abort(promise, reason) {
    // To abort what nobody waits for is no error that anybody should have handled.
    super.prototype.then.call(promise, undefined, () => {});
    promise.#reject(reason);
    promise.#end();
  }

  #end() {
    this.#listening?.end();
    this.#listening = undefined;
  }

  /** @type {Promise<any>['then']} */
  then(onfulfilled, onrejected) {
    this.#listening?.hold();
    return super.then(onfulfilled, onrejected);
  }
}

/**
 * @param {EventTarget} target
 * @param {string} type
 * @param {{signal?: AbortSignal, filter?: (event: any) => boolean}} [options]
 * @returns {Promise<any>}
 */
export function once(target, type, options = {}) {
  return NextEvent.of(target, type, options);
}

/** @implements {AsyncIterableIterator<any>} */
class EventStream {
  /** How many events were left out because too many waited. */
  dropped = 0;
  #max;
  #overflow;
  #type;
  /** @type {Event[]} */
  #queue = [];
  /** @type {{resolve: (result: IteratorResult<any>) => void, reject: (reason: unknown) => void}[]} */
  #waiting = [];
  /** @type {{reason: unknown} | null} */
  #failure = null;
  #over = false;
  /** @type {Listening<EventStream> | undefined} */
  #listening;

  /**
   * @param {EventTarget} target
   * @param {string} type
   * @param {StreamOptions} options
   */
  constructor(target, type, { signal, max = 1000, overflow = 'drop-oldest' }) {
    if (!(Number.isInteger(max) && max > 0)) throw new RangeError('The `max` of stream() is a whole number from 1 on.');
    this.#max = max;
    this.#overflow = overflow;
    this.#type = type;
    /** @type {EventStream} */
    const owner = this;
    if (signal?.aborted) this.#fail(signal.reason);
    else this.#listening = new Listening(target, type, signal, owner, EventStream.#hear, EventStream.#abort);
  }

  /** @param {EventStream} stream @param {Event} event */
  static #hear(stream, event) {
    const waiting = stream.#waiting.shift();
    if (waiting) {
      if (stream.#waiting.length === 0) stream.#listening?.release();
      waiting.resolve({ value: event, done: false });
      return;
    }
    if (stream.#queue.length < stream.#max) {
      stream.#queue.push(event);
      return;
    }
    if (stream.#overflow === 'error') {
      stream.#fail(new RangeError(`More than ${stream.#max} events wait in stream('${stream.#type}').`));
      return;
    }
    stream.dropped += 1;
    if (stream.#overflow === 'drop-oldest') {
      stream.#queue.shift();
      stream.#queue.push(event);
    }
  }

  /** @param {EventStream} stream @param {unknown} reason */
  static #abort(stream, reason) {
    stream.#queue = [];
    stream.#fail(reason);
  }

  /** @param {unknown} reason */
  #fail(reason) {
    const waiting = this.#waiting.shift();
    if (waiting) waiting.reject(reason);
    else this.#failure = { reason };
    this.#end();
  }

  #end() {
    this.#over = true;
    this.#listening?.end();
    for (const { resolve } of this.#waiting.splice(0)) resolve({ value: undefined, done: true });
  }

  /** @returns {Promise<IteratorResult<any>>} */
  next() {
    const value = this.#queue.shift();
    if (value) return Promise.resolve({ value, done: false });
    const failure = this.#failure;
    this.#failure = null;
    if (failure) return Promise.reject(failure.reason);
    if (this.#over) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#listening?.hold();
    });
  }

  /** @returns {Promise<IteratorResult<any>>} */
  async return(/** @type {any} */ value = undefined) {
    this.#queue = [];
    this.#failure = null;
    this.#end();
    return { value, done: true };
  }

  [Symbol.asyncIterator]() {
    return this;
  }
}

/**
 * @param {EventTarget} target
 * @param {string} type
 * @param {StreamOptions} [options]
 */
export function stream(target, type, options = {}) {
  return new EventStream(target, type, options);
}
