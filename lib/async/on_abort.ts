/**
 * Listeners for signals that many wait for.
 *
 * @module
 */

const groups = new WeakMap<AbortSignal, Set<() => void>>();

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
    return { [Symbol.dispose]() {} };
  }
  let group = groups.get(signal);
  if (group === undefined) {
    const listeners = group = new Set();
    groups.set(signal, listeners);
    signal.addEventListener("abort", () => {
      for (const each of listeners) each();
    }, { once: true });
  }
  const listeners = group;
  listeners.add(listener);
  return { [Symbol.dispose]: () => void listeners.delete(listener) };
}
