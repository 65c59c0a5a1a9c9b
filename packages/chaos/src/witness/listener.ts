/** What is noted of the messages that a witness hears. It says nothing on the bus, and knows no plan. */
import { type BusMessage, type BusStatus, decode, headerNames, leaseValue, parseValue } from '@slackline/shared';
import { z } from 'zod';
import { monotonicMs } from '../time.js';
import type { Heard, Witnessed, WitnessedBatch } from './witnessed.js';

// No more of each message than is noted: whoever serves checks the rest.
const command = z.object({
  batchId: z.string(),
  token: z.number(),
  queries: z.array(z.object({ id: z.string() })),
});
const done = z.object({ batchId: z.string(), workerId: z.string(), answers: z.unknown() });
const status = z.object({ workerId: z.string() });

/** A worker that is not heard for so long is not there: several of its heartbeats are missing. */
const silentMs = 450;

type Message = Pick<BusMessage, 'subject' | 'headers' | 'data'>;

export class Listener {
  readonly #queries = new Map<string, number>();
  readonly #outcomes = new Map<string, number>();
  readonly #batches = new Map<string, WitnessedBatch>();
  readonly #terms: Witnessed['terms'] = [];
  readonly #fenced: Witnessed['fenced'] = [];
  readonly #workers: Heard[] = [];
  readonly #heard = new Map<string, Heard>();
  readonly #gaps: Witnessed['gaps'] = [];
  #goneSinceMs: number | undefined;
  #unreadable = 0;

  constructor(private readonly nowMs: () => number = monotonicMs) {}

  /** A query on its way into the stream. */
  query = ({ headers }: Message): void => {
    const id = headers.get(headerNames.messageId);
    if (id === undefined) this.#unreadable++;
    else if (!this.#queries.has(id)) this.#queries.set(id, this.nowMs());
  };

  /** Anything to an inbox: answers are among it. */
  answer = ({ headers }: Message): void => {
    const id = headers.get(headerNames.queryId);
    // A stored answer that is read comes to an inbox too, with the broker's word where it was stored.
    const isOutcome = headers.get(headerNames.outcome) !== undefined && headers.get('Nats-Stream') === undefined;
    if (id !== undefined && isOutcome && !this.#outcomes.has(id)) this.#outcomes.set(id, this.nowMs());
  };

  /** `workers.<id>.batch`. */
  batch = ({ subject, data }: Message): void => {
    const read = this.#read(command, data);
    if (read === undefined) return;
    const worker = workerOf(subject);
    const { batchId: id, token } = read;
    const queries = read.queries.map((query) => query.id);
    this.#batches.set(`${id} ${worker}`, { id, worker, token, atMs: this.nowMs(), queries, doneMs: null, runs: 0 });
  };

  /** `batches.done`. */
  done = ({ data }: Message): void => {
    const read = this.#read(done, data);
    const batch = read && this.#batches.get(`${read.batchId} ${read.workerId}`);
    if (batch === undefined) return;
    batch.doneMs ??= this.nowMs();
    if (Array.isArray(read?.answers)) batch.runs++;
  };

  /** `workers.<id>.heartbeat`. */
  heartbeat = ({ data }: Message): void => {
    const worker = this.#read(status, data)?.workerId;
    if (worker === undefined) return;
    const now = this.nowMs();
    const last = this.#heard.get(worker);
    if (last !== undefined && now - last.untilMs <= silentMs) {
      last.untilMs = now;
      return;
    }
    const heard = { worker, fromMs: now, untilMs: now };
    this.#heard.set(worker, heard);
    this.#workers.push(heard);
  };

  /** `workers.<id>.fenced`. */
  fenced = ({ subject }: Message): void => {
    this.#fenced.push({ worker: workerOf(subject), atMs: this.nowMs() });
  };

  /** The lease changed; renewals of a term are not noted. */
  lease(value: Uint8Array | undefined): void {
    if (value === undefined) return;
    const lease = parseValue(value, leaseValue);
    if (lease === undefined) {
      this.#unreadable++;
      return;
    }
    const last = this.#terms.at(-1);
    const { scheduler, token } = lease;
    if (last?.token === token && last.scheduler === scheduler) return;
    this.#terms.push({ token, scheduler, atMs: this.nowMs() });
  }

  /** The witness's own connection. */
  connection(is: BusStatus): void {
    if (is === 'disconnected') this.#goneSinceMs ??= this.nowMs();
    if (is === 'reconnected') this.#closeGap();
  }

  /** @param busyShare of its thread, as `Witnessed` has it */
  witnessed(busyShare = 0): Witnessed {
    this.#closeGap();
    return {
      queries: this.#queries,
      outcomes: this.#outcomes,
      batches: [...this.#batches.values()],
      terms: this.#terms,
      fenced: this.#fenced,
      workers: this.#workers,
      gaps: this.#gaps,
      unreadable: this.#unreadable,
      busyShare,
    };
  }

  #closeGap(): void {
    if (this.#goneSinceMs === undefined) return;
    this.#gaps.push({ fromMs: this.#goneSinceMs, untilMs: this.nowMs() });
    this.#goneSinceMs = undefined;
  }

  #read<T>(schema: z.ZodType<T>, data: Uint8Array): T | undefined {
    const checked = schema.safeParse(unpacked(data));
    if (checked.success) return checked.data;
    this.#unreadable++;
    return undefined;
  }
}

/** The token before the last: the worker of `workers.<id>.batch`. */
function workerOf(subject: string): string {
  return subject.split('.').at(-2) ?? '';
}

function unpacked(data: Uint8Array): unknown {
  try {
    return decode(data);
  } catch {
    return undefined;
  }
}
