export { type SchedulerConfig, schedulerConfig } from './config.js';
export { type SchedulerParts, startScheduler } from './scheduler.js';
