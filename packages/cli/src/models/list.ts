/** The models of a system in a table, and what is on its way to becoming one. */
import { progressText } from '../submission/progress-text.js';
import { percent } from '../view/text.js';
import type { Catalog, ServedModel } from './catalog.js';
import { textTable } from './table.js';

const head = ['model', 'version', 'subnets', 'accuracy', 'limit', 'profiled on'];

/** For a person. */
export function listText({ models, submissions }: Catalog): string {
  const rows = models.map(({ entry, profiles }) => [
    entry.name,
    entry.digest.slice(0, 8),
    String(entry.subnets.length),
    accuracyRange(entry.subnets),
    `${entry.sloMs} ms`,
    profiles.map(({ deviceClass }) => deviceClass).join(', ') || 'no device class yet',
  ]);
  const table = models.length === 0 ? 'No model is served.\n' : textTable([head, ...rows]);
  const pending = submissions.map((record) => {
    const { name, state, error } = record;
    if (error !== undefined) return `${name}: the submission failed: ${error.message}\n`;
    return `${name}: submission ${state === 'queued' ? '' : `${state}, `}${progressText(record, submissions)}\n`;
  });
  return pending.length === 0 ? table : `${table}\n${pending.join('')}`;
}

/** For a program. */
export function listDocument({ models, submissions }: Catalog) {
  return { models: models.map(modelDocument), submissions };
}

function modelDocument({ entry, profiles }: ServedModel) {
  const { v: _, ...rest } = entry;
  return { ...rest, deviceClasses: profiles.map(({ deviceClass }) => deviceClass) };
}

/** `81.0 % to 93.8 %` */
export function accuracyRange(subnets: readonly { accuracy: number }[]): string {
  const accuracies = subnets.map(({ accuracy }) => accuracy);
  return `${percent(Math.min(...accuracies), 1)} to ${percent(Math.max(...accuracies), 1)}`;
}
