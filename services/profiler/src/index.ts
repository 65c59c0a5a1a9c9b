/** Takes a supernet to a servable one: subnets, statistics and accuracies once, latency on every device class. */
export { type ProfilerConfig, profilerConfig } from './config.js';
export { type ProfilerDeps, startProfiler } from './profiler.js';
