/** Who has a key in a hardened deployment, and what its replies begin with. */

/** One key each, whatever the number of processes. `operator`: a person's `slackline`. `admin`: everything; kept offline. */
export const roles = ['ingest', 'scheduler', 'gpu-worker', 'profiler', 'operator', 'admin'] as const;
export type Role = (typeof roles)[number];

/** Every role listens under a prefix of its own, so that none hears the answers to another (`NATS_INBOX_PREFIX`). */
export function inboxPrefix(role: Role): string {
  return `_INBOX.${role}`;
}
