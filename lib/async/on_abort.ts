/**
 * Listeners for signals that many wait for.
 *
 * @module
 */

/** The listeners of one signal, and the listener that calls them. */
interface Group {
  readonly listeners: Set<() => void>;
  readonly callAll: () => void;
}

const groups = new WeakMap<AbortSignal, Group>();

/** A listener of a group, until it is disposed of. */
class Listening implements Disposable {
  readonly #signal: AbortSignal;
  readonly #listener: () => void;

  constructor(signal: AbortSignal, listener: () => void) {
    this.#signal = signal;
    this.#listener = listener;
  }

  [Symbol.dispose](): void {
    const group = groups.get(this.#signal);
    if (!group?.listeners.delete(this.#listener) || group.listeners.size > 0) return;
    this.#signal.removeEventListener("abort", group.callAll);
    groups.delete(this.#signal);
  }
}

/**
 * Calls a function when a signal is aborted, or at once if it is. Unlike `addEventListener`, whose
 * cost grows with the number of listeners, it costs the same for a thousand concurrent calls.
 *
 * @param signal The signal.
 * @param listener The function; it must not throw.
 * @returns Removes the listener when it is disposed of.
 */
export function onAbort(signal: AbortSignal, listener: () => void): Disposable {
  if (signal.aborted) {
    listener();
    return new Listening(signal, listener);
  }
  (groups.get(signal) ?? newGroup(signal)).listeners.add(listener);
  return new Listening(signal, listener);
}

function newGroup(signal: AbortSignal): Group {
  const listeners = new Set<() => void>();
  const callAll = () => {
    for (const each of listeners) each();
  };
  signal.addEventListener("abort", callAll, { once: true });
  const group = { listeners, callAll };
  groups.set(signal, group);
  return group;
}
