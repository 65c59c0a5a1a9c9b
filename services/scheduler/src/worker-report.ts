/** What a worker says of itself, as the dispatcher reads it. */
import type { WorkerReport } from '@slackline/scheduling';
import type { WorkerStatus } from '@slackline/shared';

export function reportOf(status: WorkerStatus): WorkerReport {
  const { workerId, epoch, deviceClass, models, freeSlots, draining, batchId } = status;
  return {
    workerId,
    epoch,
    deviceClass,
    models: new Set(Object.keys(models)),
    versions: new Set([...Object.values(models), ...status.versions]),
    accepting: freeSlots > 0 && !draining,
    batchId: batchId ?? undefined,
  };
}
