/** Our handlers, called by the client. */

/**
 * A handler for the client. What `handle` throws is an uncaught error of the process: thrown into the client it would end the
 * reading of the connection without a word.
 */
export function shielded<T>(handle: (value: T) => void): (value: T) => void {
  return (value) => {
    try {
      handle(value);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  };
}
