/**
 * The relays: ingest, scheduler and worker reduced to passing messages on. No query is looked into, nothing is decided,
 * nobody is watched; what is left is what any system on these hops has to send, over the same client.
 */
import type { Bus, StreamMessage } from '@slackline/shared';
import { decodeBatch, encodeBatch } from './batch.js';

export const subjects = {
  infer: 'infer.x',
  queries: 'queries.x',
  batch: (worker: number) => `workers.${worker}.batch`,
  done: 'batches.done',
} as const;

export const stream = 'QUERIES';
export const workers = 8;
/** Queries in a batch at most. */
export const batchSize = 16;
/** Of an answer: ten numbers, as the model that ships has. Its first byte is the query's. */
export const answerBytes = 40;

const replyTo = 'Reply-To';
/** As the real scheduler has it by default. */
const consumer = { name: 'relay', ackWaitMs: 300_000, maxAckPending: 100_000, prefetch: 2_000 } as const;
/** Bodies above this size are claimed. */
export const claimAboveBytes = 32_768;
const sequenceBytes = 8;

export interface RelayOptions {
  /**
   * Bodies stay in the stream and the workers fetch them, as the real system has it with large ones; the scheduler never sees
   * them.
   */
  claims: boolean;
}

/** A relay at work. */
export interface Relay {
  stop(): Promise<void>;
}

/** Passes queries on to the stream, and takes its word for each. A query that the stream refuses is gone. */
export async function relayIngest(bus: Bus): Promise<Relay> {
  let token = 0;
  const ids = `${process.pid}-`;
  const publisher = bus.streamPublisher({ said: () => {}, denied: () => {} });
  bus.subscribe(
    subjects.infer,
    ({ data, reply = '' }) => {
      token++;
      publisher.send(subjects.queries, data, { id: ids + token, token, headers: { [replyTo]: reply } });
    },
    { queue: 'ingest' },
  );
  await bus.flush();
  return { stop: () => publisher.close() };
}

/** Groups queries in the order of the stream into one batch for each free worker; answers and acks what comes back. */
export async function relayScheduler(bus: Bus, { claims }: RelayOptions): Promise<Relay> {
  const waiting = new Waiting();
  const free = Array.from({ length: workers }, (_, worker) => worker);
  const out = new Map<number, readonly StreamMessage[]>();
  const partOf = claims ? claimOf : ({ data }: StreamMessage) => data;
  let batches = 0;
  let isPlanned = false;
  const dispatch = () => {
    isPlanned = false;
    while (waiting.length > 0) {
      const worker = free.pop();
      if (worker === undefined) return;
      const id = batches++;
      const batch = waiting.take();
      out.set(id, batch);
      bus.publish(subjects.batch(worker), encodeBatch({ id, worker, parts: batch.map(partOf) }));
    }
  };
  /** Once everything that has been read is in: a batch gets as full as it can without waiting. */
  const plan = () => {
    if (isPlanned) return;
    isPlanned = true;
    setImmediate(dispatch);
  };
  bus.subscribe(subjects.done, ({ data }) => {
    const { id, worker, parts } = decodeBatch(data);
    const batch = out.get(id) ?? [];
    if (batch.length !== parts.length)
      throw new Error(`batch ${id} has ${batch.length} queries, ${parts.length} answers`);
    out.delete(id);
    free.push(worker);
    // Answers before acks, in one write.
    batch.forEach((query, i) => {
      bus.publish(query.headers.get(replyTo) ?? '', parts[i] ?? new Uint8Array(0));
    });
    for (const query of batch) query.ack();
    plan();
  });
  await bus.flush();
  const consumption = await bus.consume({ stream, ...consumer, headersOnly: claims }, (query) => {
    waiting.add(query);
    plan();
  });
  return { stop: () => consumption.stop() };
}

/** All workers; each answers a batch at once, or when it has fetched what is claimed. */
export async function relayWorkers(bus: Bus, { claims }: RelayOptions): Promise<Relay> {
  const done = (id: number, worker: number, bodies: readonly Uint8Array[]) =>
    bus.publish(subjects.done, encodeBatch({ id, worker, parts: bodies.map(answerTo) }));
  for (let worker = 0; worker < workers; worker++) {
    bus.subscribe(subjects.batch(worker), ({ data }) => {
      const { id, parts } = decodeBatch(data);
      if (!claims) done(id, worker, parts);
      else void Promise.all(parts.map((claim) => fetched(bus, claim))).then((bodies) => done(id, worker, bodies));
    });
  }
  await bus.flush();
  return { stop: async () => {} };
}

function claimOf({ sequence }: StreamMessage): Uint8Array {
  const claim = Buffer.allocUnsafe(sequenceBytes);
  claim.writeDoubleLE(sequence);
  return claim;
}

async function fetched(bus: Bus, claim: Uint8Array): Promise<Uint8Array> {
  const sequence = Buffer.from(claim.buffer, claim.byteOffset, claim.length).readDoubleLE();
  const message = await bus.readMessage(stream, sequence);
  if (message === undefined) throw new Error(`the stream has no message ${sequence}`);
  return message.data;
}

function answerTo(body: Uint8Array): Uint8Array {
  const answer = Buffer.alloc(answerBytes);
  answer[0] = body[0] ?? 0;
  return answer;
}

/** Queries in the order they came in. */
class Waiting {
  #queries: StreamMessage[] = [];
  #from = 0;

  get length(): number {
    return this.#queries.length - this.#from;
  }

  add(query: StreamMessage): void {
    this.#queries.push(query);
  }

  /** As many as a batch may have; with bodies that are not claimed they fit into one message. */
  take(): StreamMessage[] {
    const batch = this.#queries.slice(this.#from, this.#from + batchSize);
    this.#from += batch.length;
    if (this.#from > this.#queries.length / 2) {
      this.#queries = this.#queries.slice(this.#from);
      this.#from = 0;
    }
    return batch;
  }
}
