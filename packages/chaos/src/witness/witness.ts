/** The witness, as the main thread holds it. */
import { Worker } from 'node:worker_threads';
import { SlacklineError } from '@slackline/shared';
import type { Witnessed } from './witnessed.js';

export interface WitnessOptions {
  readonly natsUrl: string;
  readonly subjectPrefix: string;
  /** Of the system's buckets. */
  readonly storage: 'memory' | 'file';
  /** Whether it hears answers too: where producers may be cut off, it must be known what was said meanwhile. */
  readonly hearsAnswers: boolean;
}

export type WitnessMessage =
  | { kind: 'listening' }
  | { kind: 'witnessed'; witnessed: Witnessed }
  | { kind: 'failed'; code: string; message: string };

/** Threads run compiled code, also where this file runs as a source. */
const entry = new URL('../../dist/witness/thread.js', import.meta.url);

export class Witness {
  readonly #ended: Promise<Witnessed>;
  #onListening: () => void = () => {};

  private constructor(private readonly thread: Worker) {
    this.#ended = new Promise((resolve, reject) => {
      thread.on('message', (message: WitnessMessage) => {
        if (message.kind === 'listening') this.#onListening();
        else if (message.kind === 'witnessed') resolve(message.witnessed);
        else reject(SlacklineError.relayed(message.code, message.message));
      });
      thread.once('error', reject);
      thread.once('exit', () => reject(new Error('the witness’s thread ended before it was asked')));
    });
    // Whoever awaits the end sees the failure; nobody has to.
    this.#ended.catch(() => undefined);
  }

  /** Resolves when it hears everything that is published from now on. @throws SlacklineError `nats_unreachable` */
  static async start(options: WitnessOptions): Promise<Witness> {
    const witness = new Witness(new Worker(entry, { workerData: options, execArgv: [] }));
    const listening = new Promise<void>((resolve) => {
      witness.#onListening = resolve;
    });
    await Promise.race([listening, witness.#ended]);
    return witness;
  }

  /** Ends it, and tells what it saw. */
  async stop(): Promise<Witnessed> {
    this.thread.postMessage('stop');
    return this.#ended;
  }

  /** Ends it at once, whatever it is doing. */
  async abandon(): Promise<void> {
    await this.thread.terminate();
  }
}
