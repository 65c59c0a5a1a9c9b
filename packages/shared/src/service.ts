/** The life of a service process: start, say that it is ready, and shut down once, cleanly, whatever asks for it. */
import { hostname } from 'node:os';
import type { Denial } from './bus/nats/refusals.js';
import { SlacklineError } from './errors.js';
import { createLog, type Log } from './log.js';

/** A started service. */
export interface RunningService {
  /** Finishes what it holds and lets go of everything. */
  stop(): Promise<void>;
  /** Resolves with the reason when the service cannot go on by itself, e.g. the bus closed for good. */
  failed?: Promise<Error>;
  /** What a parent process is told when the service is ready. */
  ready?: Readonly<Record<string, unknown>>;
}

/**
 * By what a service's announcement (`$SRV.INFO`) tells which process it is: its own name, where to find it, and the
 * deployment that it belongs to (`SUBJECT_PREFIX`).
 */
export function processMetadata(name: string, prefix: string): Record<string, string> {
  return { name, pid: String(process.pid), host: hostname(), prefix };
}

/** So often a service logs what NATS does not permit it; what lies between is counted. */
const denialEveryMs = 1_000;

/**
 * What a service does with a denial: it is logged with its subject. A subscription that is denied leaves the service deaf,
 * so that is thrown, and ends the process.
 */
export function denialsTo(log: Log): (denial: Denial) => void {
  let [loggedAtMs, passedOver] = [Number.NEGATIVE_INFINITY, 0];
  return ({ operation, subject, error }) => {
    const nowMs = performance.now();
    if (operation === 'subscription' || nowMs - loggedAtMs >= denialEveryMs) {
      log.error({ code: error.code, operation, subject, passedOver }, error.message);
      [loggedAtMs, passedOver] = [nowMs, 0];
    } else passedOver++;
    if (operation === 'subscription') throw error;
  };
}

/** A shutdown that takes longer than this has failed; the process ends anyway. */
const shutdownLimitMs = 15_000;

/**
 * Runs a service until SIGTERM, SIGINT or the death of the parent that spawned it with an IPC channel. Ends the process:
 * 0 after a clean shutdown, 1 after a failure.
 */
export function runService(name: string, start: (log: Log) => Promise<RunningService>): void {
  const log = createLog(name, process.env.LOG_LEVEL ?? 'info');
  let asked: () => void = () => {};
  const stopAsked = new Promise<string>((resolve) => {
    asked = () => resolve('asked');
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, asked);
  // A parent that dies takes its children along: nobody else would end them.
  process.on('disconnect', asked);

  const fail = (error: unknown, what: string) => {
    if (error instanceof SlacklineError) log.fatal({ code: error.code }, error.message);
    else log.fatal({ err: error }, what);
    log.flush(() => process.exit(1));
  };
  process.on('uncaughtException', (error) => fail(error, 'uncaught error'));
  process.on('unhandledRejection', (error) => fail(error, 'unhandled rejection'));

  const life = async () => {
    const service = await start(log);
    process.send?.({ ready: true, service: name, ...service.ready });
    log.info('ready');
    const never = new Promise<Error>(() => {});
    const reason = await Promise.race([stopAsked, service.failed ?? never]);
    setTimeout(() => fail(new Error('shutdown took too long'), 'shutdown'), shutdownLimitMs).unref();
    await service.stop();
    if (reason instanceof Error) throw reason;
    log.info('stopped');
    log.flush(() => process.exit(0));
  };
  life().catch((error) => fail(error, 'failed'));
}
