/** The load's thread, as the main thread holds it. */
import { Worker } from 'node:worker_threads';
import { SlacklineError } from '@slackline/shared';
import type { LoadOptions } from './options.js';
import type { Figures } from './tally.js';

export type ThreadMessage =
  | { kind: 'progress' | 'done'; figures: Figures }
  | { kind: 'failed'; code: string; message: string };

/** Send no more; wait no longer. */
export type LoadCommand = 'stop' | 'enough';

/** Threads run compiled code, also where this file runs as a source. */
const entry = new URL('../dist/thread.js', import.meta.url);

export class Load {
  readonly #thread: Worker;
  /** The figures at the end. Rejects when the load could not be sent: with the `SlacklineError` that the thread met. */
  readonly done: Promise<Figures>;

  /** Starts sending. @param onProgress told the figures so far, several times a second */
  constructor(options: LoadOptions, onProgress: (figures: Figures) => void) {
    this.#thread = new Worker(entry, { workerData: options, execArgv: [] });
    this.done = new Promise((resolve, reject) => {
      this.#thread.on('message', (message: ThreadMessage) => {
        if (message.kind === 'failed') reject(SlacklineError.relayed(message.code, message.message));
        else if (message.kind === 'done') resolve(message.figures);
        else onProgress(message.figures);
      });
      this.#thread.once('error', reject);
      this.#thread.once('exit', () => reject(new Error('the load’s thread ended before its load')));
    });
    // Whoever awaits `done` sees the failure; nobody has to.
    this.done.catch(() => undefined);
  }

  /** Sends no more queries; `done` follows when their answers are in. */
  stop(): void {
    this.#say('stop');
  }

  /** Waits no longer for answers: whoever asks knows that none will come. Before the last query was sent it means nothing. */
  enough(): void {
    this.#say('enough');
  }

  #say(command: LoadCommand): void {
    this.#thread.postMessage(command);
  }
}
