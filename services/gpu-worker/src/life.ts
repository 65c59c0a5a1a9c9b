/**
 * The life of a worker as a state machine. One device, one thing at a time.
 * docs/worker.md draws this table.
 */

/**
 * - `starting`: the executor comes up and the models that the catalog names are loaded
 * - `idle`: takes a batch
 * - `busy`: a batch is on the device; takes another, which waits for it
 * - `closing`: something else is about to use the device; a batch that is on its way is still run
 * - `loading`: a model is put on the device or taken off it
 * - `measuring`: a grid of latencies is being timed
 * - `draining`: shutting down; finishes the batches it has or that are on their way
 * - `stopped`: has let go of everything
 */
export type LifeState = 'starting' | 'idle' | 'busy' | 'closing' | 'loading' | 'measuring' | 'draining' | 'stopped';

/** What can happen to a worker. `finished` ends whatever the device was doing. */
export type LifeEvent = 'started' | 'batch' | 'close' | 'load' | 'measure' | 'finished' | 'drain' | 'drained';

/** The transitions that exist; every other pair of state and event is refused. */
export const transitions: Readonly<Record<LifeState, Readonly<Partial<Record<LifeEvent, LifeState>>>>> = {
  starting: { started: 'idle', drain: 'draining' },
  idle: { batch: 'busy', close: 'closing', load: 'loading', measure: 'measuring', drain: 'draining' },
  closing: { batch: 'busy', load: 'loading', measure: 'measuring', drain: 'draining' },
  busy: { finished: 'idle', drain: 'draining' },
  loading: { finished: 'idle', drain: 'draining' },
  measuring: { finished: 'idle', drain: 'draining' },
  draining: { batch: 'draining', finished: 'draining', drain: 'draining', drained: 'stopped' },
  stopped: { drain: 'stopped', drained: 'stopped' },
};

export class Life {
  #state: LifeState = 'starting';

  get state(): LifeState {
    return this.#state;
  }

  /** Whether shutting down has begun. */
  get isEnding(): boolean {
    return this.#state === 'draining' || this.#state === 'stopped';
  }

  /** Takes `event` if the state allows it, and says whether it did. */
  take(event: LifeEvent): boolean {
    const next = transitions[this.#state][event];
    if (next === undefined) return false;
    this.#state = next;
    return true;
  }
}
