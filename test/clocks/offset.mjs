/**
 * Gives a process a clock of its own, for tests: loaded by `NODE_OPTIONS=--import=…` before anything else.
 *
 * `TEST_CLOCKS` is a JSON object from the names of processes (WORKER_ID, INSTANCE_NAME) to `{ offsetMs, driftPpm }`: how far the wall
 * clock is off, and how much too fast it and the monotonic clock run. Timers keep true time: what they are late by is noise.
 */
import { performance } from 'node:perf_hooks';

const name = process.env.WORKER_ID ?? process.env.INSTANCE_NAME ?? '';
const clocks = JSON.parse(process.env.TEST_CLOCKS ?? '{}');
const { offsetMs = 0, driftPpm = 0 } = clocks[name] ?? {};

const RealDate = Date;
const realNow = performance.now.bind(performance);
const startedAtMs = realNow();
const wallAtStartMs = RealDate.now() + offsetMs;
const passedMs = () => (realNow() - startedAtMs) * (1 + driftPpm / 1e6);
const wallNow = () => Math.floor(wallAtStartMs + passedMs());

Object.defineProperty(performance, 'now', { value: () => startedAtMs + passedMs() });
Object.defineProperty(performance, 'timeOrigin', { value: performance.timeOrigin + offsetMs });
globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [wallNow()] : args, newTarget),
  apply: () => new RealDate(wallNow()).toString(),
  get: (target, key) => (key === 'now' ? wallNow : Reflect.get(target, key)),
});
