/**
 * What workers say to a leader, and what is found out about them: into the dispatcher, and from there into outcomes. A word
 * counts once the lease is certainly held; one that cannot be understood is dropped.
 */
import { type Batch, type ConditionsEstimate, type Dispatcher, heldUpOf } from '@slackline/scheduling';
import {
  type BatchAnswer,
  type BatchDone,
  type Bus,
  type BusMessage,
  type Clock,
  type Complaints,
  readBatchDone,
  SlacklineError,
  type Subjects,
  type Subscription,
  unpack,
  workerStatus,
} from '@slackline/shared';
import { factsOf, framesOf } from './batch-command.js';
import type { Gate } from './gate.js';
import type { HeldQuery } from './held-query.js';
import type { Outcomes } from './outcomes.js';
import type { Tally } from './tally.js';
import { reportOf } from './worker-report.js';

export interface WorkerWordsParts {
  bus: Pick<Bus, 'subscribe'>;
  subjects: Subjects;
  clock: Clock;
  complaints: Complaints;
  tally: Tally;
  gate: Pick<Gate, 'pass'>;
  dispatcher: Dispatcher<HeldQuery>;
  conditions: Pick<ConditionsEstimate, 'add'>;
  outcomes: Pick<Outcomes, 'answer' | 'fail'>;
  /** The term's: ends of batches that were sent under another one are not heard. */
  token: number;
  /** Whether workers are sent their next batch before they are free. */
  sendsAhead: boolean;
  /** Broker time, which the dispatcher runs in. */
  now: () => number;
  /** Whether nothing may be said. */
  isSilent: () => boolean;
  /** Serving has been measured well enough to reckon with it anew. */
  onMeasured: () => void;
  /** Something has changed of what is out, or of who can take it. */
  onSettled: () => void;
}

export class WorkerWords {
  #subscriptions: Subscription[] = [];

  constructor(private readonly parts: WorkerWordsParts) {}

  start(): void {
    const { subjects } = this.parts;
    this.#subscriptions = [
      this.#hear(subjects.batchesDone, 'batches.done', (data) => this.#done(data)),
      this.#hear(subjects.workersAvailable, 'workers.available', (data) => this.#report(data)),
      this.#hear(subjects.heartbeat('*'), 'heartbeat', (data) => this.#report(data)),
    ];
  }

  async stop(): Promise<void> {
    await Promise.all(this.#subscriptions.map((each) => each.drain()));
  }

  /** A worker that was doubted has answered. */
  answered(workerId: string, epoch: string): void {
    const { dispatcher, now, isSilent, onSettled } = this.parts;
    if (isSilent()) return;
    dispatcher.heard(workerId, epoch, now());
    onSettled();
  }

  /** A worker was found to be gone. */
  lost(workerId: string, epoch: string, reason: string, unheard?: string): void {
    const { dispatcher, complaints, tally, now, isSilent, onSettled } = this.parts;
    if (isSilent()) return;
    for (const { workerId: worker } of dispatcher.lost(workerId, epoch, now(), unheard)) {
      complaints.warn('lost', { worker, reason }, 'a worker is lost; its queries go to others');
      tally.workersLost += 1;
      tally.forget(worker);
    }
    onSettled();
  }

  #hear(subject: string, kind: string, take: (data: Uint8Array) => void): Subscription {
    const { bus, gate, complaints } = this.parts;
    const guarded = ({ data, subject: from }: BusMessage) => {
      try {
        take(data);
      } catch (error) {
        if (!(error instanceof SlacklineError)) throw error;
        complaints.warn(kind, { code: error.code, kind, subject: from }, error.message);
      }
    };
    return bus.subscribe(subject, (message) => gate.pass(guarded, message));
  }

  #report(data: Uint8Array): void {
    const { dispatcher, tally, now, sendsAhead, onSettled } = this.parts;
    const status = unpack('worker status', workerStatus, data);
    const { workerId, epoch } = status;
    if (status.draining && status.batchId === null) {
      if (dispatcher.leave(workerId, epoch)) tally.forget(workerId);
      return;
    }
    const isTaken = dispatcher.report(reportOf(status, sendsAhead), now());
    if (isTaken) tally.executor(workerId, status.executor);
    onSettled();
  }

  #done(data: Uint8Array): void {
    const { dispatcher, complaints, token, now, onSettled } = this.parts;
    const done = readBatchDone(data);
    if (done.token !== token) return;
    const { answers, batchId, workerId, epoch } = done;
    const nowMs = now();
    if (!Array.isArray(answers)) {
      const { refused, message } = answers;
      const why = message.slice(0, 500);
      complaints.warn('refused', { worker: workerId, refused, why }, 'a worker refused its batch');
      dispatcher.refused(batchId, workerId, epoch, nowMs);
      onSettled();
      return;
    }
    const batch = dispatcher.complete(batchId, workerId, epoch, nowMs);
    if (batch === undefined) return;
    this.#measure(batch, done, nowMs);
    this.#answer(batch, answers, done.inferenceMs, nowMs);
    dispatcher.run(nowMs);
    onSettled();
  }

  #measure(batch: Batch<HeldQuery>, done: BatchDone, nowMs: number): void {
    const { expectedMs, sentAtMs } = batch;
    const { clock, conditions, onMeasured } = this.parts;
    const awayMs = nowMs - sentAtMs;
    // Nobody ran it for longer than it was away, or kept it waiting for the rest and more, whatever is said.
    const executorMs = Math.min(done.actuationMs + done.inferenceMs, awayMs);
    const waitedMs = Math.min(done.waitedMs, awayMs - executorMs);
    const roundTripMs = awayMs - waitedMs;
    const sample = { atMs: clock.now(), roundTripMs, heldUp: heldUpOf(batch, waitedMs), executorMs, expectedMs };
    if (conditions.add(sample)) onMeasured();
  }

  #answer(batch: Batch<HeldQuery>, answers: BatchAnswer[], inferenceMs: number, nowMs: number): void {
    const { tally, outcomes } = this.parts;
    tally.batch(batch);
    const frames = framesOf(batch, inferenceMs, tally.executorOf(batch.workerId));
    batch.queries.forEach((query, i) => {
      const answer = answers[i];
      if (answer === undefined || 'error' in answer) {
        const what = `Worker ${batch.workerId} could not run query ${query.id} (${answer?.error ?? 'no answer'})`;
        outcomes.fail(query, new SlacklineError('executor_failed', what));
        return;
      }
      outcomes.answer(query, frames, factsOf(batch, query, nowMs), answer.outputs);
    });
  }
}
