/** All doors of a system. */
import type { Door } from '../input.js';
import { inferBodies, inferHeaders, inferModels, inferReplies } from './infer.js';
import { inboxes, profiler, services, wire } from './others.js';
import { lease, profiles, submissions } from './stores.js';
import { stream } from './stream.js';
import { backlogs, commands, ends, impostors, lockouts, requests, statuses, telemetry } from './workers.js';

export const doors: readonly Door[] = [
  ...[inferBodies, inferHeaders, inferReplies, inferModels, stream],
  ...[statuses, impostors, ends, commands, lockouts, requests, backlogs, telemetry],
  ...[profiler, services, inboxes, profiles, lease, submissions, wire],
];
