/** A worker for tests of the profiler: it announces itself and answers measure requests as it is told. */
import {
  type Bus,
  connectBus,
  headerNames,
  type MeasureRequest,
  measureRequest,
  pack,
  type Subjects,
  unpack,
} from '@slackline/shared';

export interface StandInOptions {
  url: string;
  subjects: Subjects;
  id: string;
  deviceClass: string;
  /** What it hosts: digest by model name. */
  models: Record<string, string>;
  executor?: string;
  host?: string;
  /** What to do with the next request. Default: always measure. */
  behave?: (worker: StandInWorker) => 'measure' | 'refuse' | 'die';
  /** The samples of a batch size, in milliseconds. */
  samplesMs: (subnet: string, batch: number) => number[];
}

const beatMs = 20;
const measuringMs = 20;

export class StandInWorker {
  /** What it was asked, and when by `performance.now()` it measured; refusals take no time. */
  readonly requests: { subnet: string; startedAtMs: number; endedAtMs: number }[] = [];
  #measuring = false;
  #beat: NodeJS.Timeout | undefined;
  #death: Promise<void> | undefined;

  private constructor(
    private readonly bus: Bus,
    private readonly options: StandInOptions,
  ) {}

  /** Resolves when the worker has announced itself. */
  static async start(options: StandInOptions): Promise<StandInWorker> {
    const { url, subjects, id } = options;
    const bus = await connectBus({ url, name: id });
    const worker = new StandInWorker(bus, options);
    bus.subscribe(subjects.measure(id), ({ data, reply = '' }) => {
      worker.#asked(unpack('measure', measureRequest, data), reply);
    });
    await bus.flush();
    bus.publish(subjects.workersAvailable, worker.#status());
    worker.#beat = setInterval(() => bus.publish(subjects.heartbeat(id), worker.#status()), beatMs);
    return worker;
  }

  /** Is gone without a word. */
  die(): Promise<void> {
    clearInterval(this.#beat);
    this.#death ??= this.bus.close();
    return this.#death;
  }

  #asked(request: MeasureRequest, reply: string): void {
    const { behave = () => 'measure', samplesMs } = this.options;
    const subnet = request.subnets.join();
    const startedAtMs = performance.now();
    const what = behave(this);
    if (what === 'die') {
      this.die().catch(() => {});
    } else if (what === 'refuse') {
      this.requests.push({ subnet, startedAtMs, endedAtMs: startedAtMs });
      this.bus.publish(reply, new Uint8Array(), { headers: { [headerNames.serviceError]: 'busy' } });
    } else {
      this.#measuring = true;
      setTimeout(() => {
        this.#measuring = false;
        this.requests.push({ subnet, startedAtMs, endedAtMs: performance.now() });
        const cells = request.subnets.map((id) => request.batches.map((batch) => samplesMs(id, batch)));
        this.bus.publish(reply, pack({ v: 1, samplesMs: cells }));
      }, measuringMs);
    }
  }

  #status(): Uint8Array {
    const { id, deviceClass, models, executor = 'cpu', host = 'here' } = this.options;
    return pack({
      ...{ v: 1, workerId: id, epoch: `${id}-1`, deviceClass, executor, host, models },
      ...{ freeSlots: this.#measuring ? 0 : 1, batchId: null, draining: false },
    } as const);
  }
}
