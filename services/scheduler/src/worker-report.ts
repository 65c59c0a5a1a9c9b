/** What a worker says of itself, as the dispatcher reads it. */
import type { WorkerReport } from '@slackline/scheduling';
import type { WorkerStatus } from '@slackline/shared';

/** @param sendsAhead whether batches are sent to wait for a device; without, every worker holds one */
export function reportOf(status: WorkerStatus, sendsAhead: boolean): WorkerReport {
  const { workerId, epoch, deviceClass, models, slots, freeSlots, draining, batchId } = status;
  return {
    workerId,
    epoch,
    deviceClass,
    models: new Set(Object.keys(models)),
    versions: new Set([...Object.values(models), ...status.versions]),
    accepting: freeSlots > 0 && !draining,
    batchId: batchId ?? undefined,
    slots: sendsAhead ? slots : 1,
  };
}
