/** The scheduler's side of the bus, played by a test: hears what workers say, and commands them. */
import {
  type BatchCommand,
  type BatchDone,
  type Bus,
  batchDone,
  contentTypes,
  pack,
  type Subjects,
  unpack,
  type WorkerStatus,
  workerStatus,
} from '@slackline/shared';

/** Everything heard so far of one kind, and a way to await more of it. */
class Heard<T> {
  readonly all: T[] = [];
  #waiting: (() => void)[] = [];

  add(item: T): void {
    this.all.push(item);
    for (const check of this.#waiting.splice(0)) check();
  }

  /** The first item, heard or yet to come, that `matches`; those before `from` are passed over. */
  async first(matches: (item: T) => boolean, from = 0): Promise<T> {
    for (;;) {
      const found = this.all.slice(from).find(matches);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}

export class TestScheduler {
  /** What came on `workers.available`, and on it or as a heartbeat. */
  readonly available = new Heard<WorkerStatus>();
  readonly statuses = new Heard<WorkerStatus>();
  readonly done = new Heard<BatchDone>();
  token = 1;
  #lastBatch = 0;

  private constructor(
    private readonly bus: Bus,
    private readonly subjects: Subjects,
  ) {}

  static async listen(bus: Bus, subjects: Subjects): Promise<TestScheduler> {
    const scheduler = new TestScheduler(bus, subjects);
    bus.subscribe(subjects.workersAvailable, ({ data }) => {
      const status = unpack('status', workerStatus, data);
      scheduler.available.add(status);
      scheduler.statuses.add(status);
    });
    bus.subscribe(subjects.heartbeat('*'), ({ data }) => scheduler.statuses.add(unpack('status', workerStatus, data)));
    bus.subscribe(subjects.batchesDone, ({ data }) => scheduler.done.add(unpack('done', batchDone, data)));
    await bus.flush();
    return scheduler;
  }

  /** Sends a batch to a worker as it described itself; returns the command. */
  send(worker: WorkerStatus, batch: Partial<BatchCommand>): BatchCommand {
    const command: BatchCommand = {
      v: 1,
      batchId: `b${++this.#lastBatch}`,
      token: this.token,
      epoch: worker.epoch,
      model: 'tiny',
      subnet: 'small',
      queries: [rawQuery([1, 2, 3, 4])],
      ...batch,
    };
    this.bus.publish(this.subjects.batch(worker.workerId), pack(command));
    return command;
  }

  /** Sends a batch and awaits its end. */
  async run(worker: WorkerStatus, batch: Partial<BatchCommand> = {}): Promise<BatchDone> {
    const { batchId } = this.send(worker, batch);
    return this.done.first((done) => done.batchId === batchId);
  }
}

export function rawQuery(input: readonly number[]): BatchCommand['queries'][number] {
  const payload = new Uint8Array(Float32Array.from(input).buffer);
  return { id: `q${Math.random()}`, contentType: contentTypes.bytes, payload, sequence: 0 };
}

/** The answers of a batch that was run; an answer is its floats, or its error. */
export function floatsOf(done: BatchDone): (number[] | string)[] {
  if (!Array.isArray(done.answers)) throw new Error(`refused: ${done.answers.refused}`);
  return done.answers.map((answer) => {
    if ('error' in answer) return answer.error;
    const bytes = Uint8Array.from(answer.outputs);
    return [...new Float32Array(bytes.buffer)];
  });
}
