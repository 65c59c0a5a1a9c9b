/** A deployment of its own for each test on one broker: a prefix, a connection, a scheduler played by the test. */
import { type RunningWorkers, type StartDeps, startWorker, workerConfig } from '@slackline/gpu-worker';
import { type Bus, connectBus, readConfig, Subjects } from '@slackline/shared';
import pino from 'pino';
import { TestScheduler } from './harness.js';

let deployments = 0;

export class Deployment {
  readonly #running: RunningWorkers[] = [];

  private constructor(
    readonly url: string,
    readonly subjects: Subjects,
    readonly bus: Bus,
    readonly scheduler: TestScheduler,
  ) {}

  static async create(url: string): Promise<Deployment> {
    const subjects = new Subjects(`t${process.pid}-${++deployments}`);
    const bus = await connectBus({ url, name: 'test' });
    return new Deployment(url, subjects, bus, await TestScheduler.listen(bus, subjects));
  }

  /** Environment of a worker of this deployment. A crowded machine shall not end its epoch in the middle of a test. */
  env(more: Record<string, string> = {}): Record<string, string> {
    const common = { NATS_URL: this.url, SUBJECT_PREFIX: this.subjects.prefix, STORAGE: 'memory' };
    return { ...common, DEVICE_CLASS: 'test', DEAD_AFTER_MS: '20000', ...more };
  }

  /** Starts workers in this process; they are stopped with the deployment. */
  async start(env: Record<string, string> = {}, deps: Partial<StartDeps> = {}): Promise<RunningWorkers> {
    const log = pino({ level: process.env.LOG_LEVEL ?? 'silent' });
    const workers = await startWorker(readConfig(workerConfig, this.env(env)), { log, ...deps });
    this.#running.push(workers);
    return workers;
  }

  async end(): Promise<void> {
    await Promise.all(this.#running.map((workers) => workers.stop()));
    await this.bus.close();
  }
}
