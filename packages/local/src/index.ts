/**
 * A whole Slackline on one machine.
 *
 * ```ts
 * const system = await startSystem({ workers: 2, onStep: console.log });
 * // connect to system.natsUrl …
 * await system.kill('gpu-worker-0'); // capacity is lower, nothing else
 * await system.start('gpu-worker-0');
 * await system.stop();
 * ```
 *
 * - {@link startSystem}: nats-server, profiler, ingests, schedulers and workers, as processes of their own.
 * - {@link startNatsServer}: a nats-server alone, on a free port, that can be stopped, killed and restarted on its
 *   store.
 * - {@link findNatsServer}: which server would be used; fetches one if none is installed.
 * - {@link Supervisor}: any Node programs as supervised processes.
 *
 * Whatever is started here ends with this process: in order by `stop()` or `close()`, at once on exit, uncaught
 * errors and signals, and by itself if this process is killed.
 */
export { describeExit } from './errors.js';
export {
  type FindOptions,
  type FoundNatsServer,
  findNatsBinary,
  findNatsServer,
  type NatsBinary,
} from './nats-server/find.js';
export { NatsServer, type NatsServerOptions, startNatsServer } from './nats-server/nats-server.js';
export { type NatsVersion, natsVersions, type VersionsOptions } from './nats-server/versions.js';
export { inCheckout, serviceEntry } from './paths.js';
export type { Exit } from './processes/owned-process.js';
export { ServiceProcess, type ServiceSpec } from './processes/service-process.js';
export {
  describeEvent,
  type ProcessEvent,
  type SpawnOptions,
  Supervisor,
  type SupervisorOptions,
} from './processes/supervisor.js';
export { writableFolder } from './system/folder.js';
export { kindOf, nameOf } from './system/names.js';
export type { ServiceKind, StepName, SystemOptions, SystemStep, WorkerGroup } from './system/options.js';
export { type RunningSystem, startSystem } from './system/start-system.js';
export { TemporaryFolder } from './temporary-folder.js';
