/**
 * One direction of a connection: from a socket to a socket, now or later, or not at all. A sink that is full, or too much
 * under way, stops the reading of the source: back-pressure reaches the sender as it would without us.
 */
import type { Socket } from 'node:net';

/** What becomes of the bytes of one direction. */
export interface Flow {
  /** Nothing is read any more: as with a network that is gone, the sender's own buffers fill. */
  silent: boolean;
  delayMs: number;
}

/** Changes the bytes that pass; keeps their order. */
export type Rewrite = (bytes: Uint8Array) => Uint8Array;

interface Waiting {
  dueMs: number;
  bytes: Uint8Array;
}

/** More than this under way at a time stops the source: a long line, not an endless one. */
const mostWaitingBytes = 4 * 1024 * 1024;

export class Pipe {
  #flow: Flow = { silent: false, delayMs: 0 };
  readonly #waiting: Waiting[] = [];
  #waitingBytes = 0;
  /** The sink has not taken yet what it was given. */
  #isFull = false;
  /** How the source ended, to be passed on behind its last byte. */
  #end: 'in order' | 'reset' | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly source: Socket,
    private readonly sink: Socket,
    private readonly rewrite: Rewrite = (bytes) => bytes,
  ) {
    source.on('data', (bytes: Buffer) => this.#take(bytes));
    source.on('end', () => this.#finish('in order'));
    source.on('close', (hadError) => this.#finish(hadError ? 'reset' : 'in order'));
    const taken = () => {
      this.#isFull = false;
      this.#pump();
    };
    // Whoever is gone takes nothing, and holds nothing up.
    sink.on('drain', taken).on('close', taken);
  }

  /** A change of the delay also counts for what is under way; the order of the bytes stays. */
  set(flow: Flow): void {
    this.#flow = flow;
    const latestMs = performance.now() + flow.delayMs;
    for (const each of this.#waiting) each.dueMs = Math.min(each.dueMs, latestMs);
    this.#pump();
  }

  /** Forgets what is under way. The sockets are their owner's. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#waiting.length = 0;
    this.#flow = { silent: true, delayMs: 0 };
  }

  #take(bytes: Uint8Array): void {
    if (this.sink.destroyed) {
      // What is said to somebody who is gone is answered so.
      this.source.resetAndDestroy();
      return;
    }
    const passed = this.rewrite(bytes);
    if (passed.length > 0) {
      this.#waiting.push({ dueMs: performance.now() + this.#flow.delayMs, bytes: passed });
      this.#waitingBytes += passed.length;
    }
    this.#pump();
  }

  #finish(end: 'in order' | 'reset'): void {
    if (this.#end === 'reset' || (this.#end !== undefined && end === 'in order')) return;
    this.#end = end;
    this.#pump();
  }

  /** Passes on what is due, and decides whether more is read. */
  #pump(): void {
    clearTimeout(this.#timer);
    const nowMs = performance.now();
    while (!this.#flow.silent && !this.#isFull) {
      const [next] = this.#waiting;
      if (next === undefined || next.dueMs > nowMs) break;
      this.#waiting.shift();
      this.#waitingBytes -= next.bytes.length;
      if (this.sink.writable) this.#isFull = !this.sink.write(next.bytes);
    }
    const reads = !this.#flow.silent && !this.#isFull && this.#waitingBytes < mostWaitingBytes;
    if (reads) this.source.resume();
    else this.source.pause();
    if (this.#flow.silent || this.#isFull) return;
    const [next] = this.#waiting;
    if (next !== undefined) this.#timer = setTimeout(() => this.#pump(), next.dueMs - nowMs);
    else if (this.#end === 'in order') this.sink.end();
    else if (this.#end === 'reset') this.sink.resetAndDestroy();
  }
}
