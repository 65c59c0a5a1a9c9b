/** The queue of submissions, over buckets in memory and a maker that does what a test says. */
import {
  type Clock,
  type KeyBucket,
  type Log,
  type ObjectBucket,
  SlacklineError,
  type SubmissionRecord,
  type SubmitRequest,
  submissionRecord,
} from '@slackline/shared';
import pino from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Files, renewAfterMs } from './files.js';
import type { Maker } from './maker.js';
import { Records } from './records.js';
import { Submissions } from './submissions.js';

const log: Log = pino({ level: 'silent' });
/** Short waits are over at once, long ones never. */
const clock: Clock = {
  now: () => performance.now(),
  after: (ms, listener) => {
    const timer = ms > 60_000 ? undefined : setImmediate(listener);
    return () => clearImmediate(timer);
  },
};

/** Keys as they lie in the bucket. */
const stored = new Map<string, Uint8Array>();
/** Says no to a write; undefined lets it through. */
let refuseWrite: (record: SubmissionRecord) => Error | undefined;
const keys: Partial<KeyBucket> = {
  put: async (key, value) => {
    const refused = refuseWrite(parsed(value));
    if (refused !== undefined) throw refused;
    return stored.set(key, value).size;
  },
  delete: async (key) => void stored.delete(key),
  watch: async () => ({ drain: async () => {} }),
};
const objects = new Map<string, number>();
const bucket: Partial<ObjectBucket> = {
  size: async (name) => objects.get(name),
  storedAtMs: async () => new Map(),
  delete: async (name) => void objects.delete(name),
};

function parsed(value: Uint8Array): SubmissionRecord {
  return submissionRecord.parse(JSON.parse(Buffer.from(value).toString()));
}

/** What the bucket says of a submission. */
function recordOf(name: string): SubmissionRecord | undefined {
  const value = stored.get(name);
  return value === undefined ? undefined : parsed(value);
}

function gate() {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
}

const digestOf = (letter: string) => letter.repeat(64);
const images = { digest: digestOf('1'), bytes: 1 };

/** A submission with a network of its own; the other files are everybody's. Its files are uploaded. */
function request(name: string, network: string): SubmitRequest {
  const onnx = { digest: digestOf(network), bytes: 1 };
  for (const { digest, bytes } of [onnx, images]) objects.set(digest, bytes);
  const files = { onnx, spec: images, images, labels: images };
  return { v: 1, name, sloMs: 1, files, options: { quick: true, seed: 1 }, replace: false };
}

let maker: Pick<Maker, 'published' | 'check' | 'make' | 'discard'>;
let submissions: Submissions;
beforeEach(async () => {
  stored.clear();
  objects.clear();
  refuseWrite = () => undefined;
  maker = { published: async () => undefined, check: async () => {}, make: async () => {}, discard: async () => {} };
  const records = await Records.open(keys as KeyBucket, clock, log);
  const files = new Files(bucket as ObjectBucket);
  submissions = new Submissions({ records, files, maker: maker as Maker, clock, log });
});
afterEach(() => submissions.stop());

it('keeps the files of a submission that is being checked when another one with them ends', async () => {
  const [made, checking, checked] = [gate(), gate(), gate()];
  maker.make = ({ name }, signal) => (name === 'one' ? made.opened : untilAborted(signal));
  await submissions.submit(request('one', 'a'));
  maker.check = () => {
    checking.open();
    return checked.opened;
  };
  const second = submissions.submit(request('two', 'b'));
  await checking.opened;
  made.open();
  await expect.poll(() => recordOf('one')).toBeUndefined();
  checked.open();

  expect(await second).toMatchObject({ status: 'accepted' });
  expect([...objects.keys()].sort()).toEqual([images.digest, digestOf('b')]);
});

it('takes away what a failed submission has left before it says that it failed', async () => {
  const states: unknown[] = [];
  maker.make = async () => {
    throw new SlacklineError('unsupported_model', 'It cannot be run');
  };
  maker.discard = async ({ name }) => void states.push(recordOf(name)?.state);
  await submissions.submit(request('one', 'a'));
  await expect.poll(() => recordOf('one')?.state).toBe('failed');
  expect(states).toEqual(['queued']);
  await expect.poll(() => [...objects.keys()]).toEqual([]);
});

it('tells of a failure when the bus takes it again', async () => {
  let outages = 3;
  maker.make = async () => {
    throw new SlacklineError('unsupported_model', 'It cannot be run');
  };
  refuseWrite = ({ state }) => {
    return state === 'failed' && outages-- > 0 ? new SlacklineError('timeout', 'Nobody answers') : undefined;
  };
  await submissions.submit(request('one', 'a'));
  await expect.poll(() => recordOf('one')?.error?.code).toBe('unsupported_model');
});

it('refuses more requests than can be checked soon, and what needs no check before its turn', async () => {
  const [checking, checked] = [gate(), gate()];
  maker.check = () => {
    checking.open();
    return checked.opened;
  };
  const waiting = Array.from({ length: 31 }, (_, i) => submissions.submit(request(`n${i}`, 'a')));
  await checking.opened;
  await expect(submissions.submit(request('not a name', 'b'))).rejects.toMatchObject({ code: 'invalid_name' });
  waiting.push(submissions.submit(request('last', 'a')));
  await expect(submissions.submit(request('more', 'c'))).rejects.toMatchObject({ code: 'overloaded' });
  expect(objects.has(digestOf('c'))).toBe(true);
  checked.open();
  await Promise.allSettled(waiting);
  await expect(submissions.submit(request('again', 'a'))).resolves.toMatchObject({ status: 'accepted' });
});

it('stores files of a pending submission anew before they expire, and no others', async () => {
  const stored: string[] = [];
  const ages = new Map([
    ['old', renewAfterMs + 1_000],
    ['young', renewAfterMs / 2],
    ['unneeded', renewAfterMs + 1_000],
  ]);
  const files = new Files({
    storedAtMs: async () => new Map([...ages].map(([name, ageMs]) => [name, Date.now() - ageMs])),
    get: async () => new Uint8Array(1),
    put: async (name) => void stored.push(name),
  } as Partial<ObjectBucket> as ObjectBucket);
  const [old, young] = ['old', 'young'].map((digest) => ({ digest, bytes: 1 }));
  if (old === undefined || young === undefined) throw new Error('two files');
  await files.renew([{ onnx: old, spec: young, images: young, labels: young }]);
  expect(stored).toEqual(['old']);
});
