/** Levels after a soak against those before: what the broker keeps, and the files that each process has open. */
import { canSampleProcesses } from '../watch/process.js';
import type { Findings } from './findings.js';
import { brokerName, type ProcessLevel, type QuietWindow } from './rest.js';
import type { SoakRun } from './run.js';

/** A connection more or less, a block file of a stream: no process may have more than this above its level before. */
const fdsAllowed = { service: 3, broker: 12 };
/** A number in a stored value may become a digit longer. */
const bucketBytesAllowed = 256;

/** The first window and the last one. */
export function endsOf(quiets: readonly QuietWindow[]): { before: QuietWindow; after: QuietWindow } | undefined {
  const [before, after] = [quiets.at(0), quiets.at(-1)];
  return before === undefined || after === undefined || before === after ? undefined : { before, after };
}

/** What the broker keeps: queries none, answers none that are due, values and objects what they were. */
export function backAtLevel({ quiets }: SoakRun): Findings | undefined {
  const ends = endsOf(quiets);
  if (ends === undefined) return undefined;
  const wrong: string[] = [];
  for (const { name, kind, messages, bytes, consumers } of ends.after.stores) {
    const before = ends.before.stores.find((store) => store.name === name && store.kind === kind);
    const had = {
      messages: before?.messages ?? 0,
      bytes: before?.bytes ?? 0,
      consumers: before?.consumers.length ?? 0,
    };
    // Queries and answers go; everything else stays as it was.
    const most = kind === 'stream' && had.messages > 1 ? 0 : had.messages;
    if (messages > most) wrong.push(`${name}: ${messages} messages, before ${had.messages}`);
    if (kind === 'keys' && bytes > had.bytes + bucketBytesAllowed) {
      wrong.push(`${name}: ${bytes} bytes, before ${had.bytes}`);
    }
    if (consumers.length > had.consumers) {
      const more = consumers.filter((consumer) => !before?.consumers.includes(consumer));
      wrong.push(
        `${name}: ${consumers.length} consumers, before ${had.consumers} (new: ${more.slice(0, 5).join(', ')})`,
      );
    }
  }
  const said = ends.after.stores.map(
    ({ name, kind, messages, consumers }) => `${name} (${kind}) ${messages} messages, ${consumers.length} consumers`,
  );
  return { wrong, said: [said.join('; ')] };
}

export function filesBack({ quiets }: SoakRun): Findings | undefined {
  const ends = endsOf(quiets);
  if (ends === undefined || !canSampleProcesses) return undefined;
  const wrong: string[] = [];
  const said: string[] = [];
  for (const { now, then } of pairsOf(ends.before, ends.after)) {
    if (now.fds === undefined || then.fds === undefined) continue;
    const allowed = now.name === brokerName ? fdsAllowed.broker : fdsAllowed.service;
    const text = `${now.name} ${now.fds} (${then.fds})`;
    if (now.fds > then.fds + allowed) wrong.push(`too many: ${text}`);
    said.push(text);
  }
  return { wrong, said: [`now (before): ${said.join(', ')}`] };
}

/** Each process of the last window with the one of that name in the first. */
export function pairsOf(before: QuietWindow, after: QuietWindow): { now: ProcessLevel; then: ProcessLevel }[] {
  return after.processes.flatMap((now) => {
    const then = before.processes.find(({ name }) => name === now.name);
    return then === undefined ? [] : [{ now, then }];
  });
}
