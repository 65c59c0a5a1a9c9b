/** What an interruption leaves of a submission: against a real broker. */
import { type NatsServer, startNatsServer } from '@slackline/local';
import {
  type Bus,
  connectBus,
  type KeyBucket,
  type ObjectBucket,
  refusal,
  SlacklineError,
  Subjects,
  type SubmissionRecord,
} from '@slackline/shared';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LocalFile, LocalFiles } from './files.js';
import { follow } from './follow.js';
import { submit } from './submit.js';

let server: NatsServer;
let bus: Bus;
let uploads: ObjectBucket;
let records: KeyBucket;
let profiles: KeyBucket;
let asked = 0;
const subjects = new Subjects('');
const storage = { storage: 'memory', replicas: 1 } as const;
const interrupted = new Error('interrupted');

beforeAll(async () => {
  server = await startNatsServer();
  bus = await connectBus({ url: server.url, name: 'test' });
  [uploads, records, profiles] = await Promise.all([
    bus.objects('uploads', storage),
    bus.keys('records', storage),
    bus.keys('profiles', storage),
  ]);
  bus.subscribe(subjects.profiler('submit'), ({ reply }) => {
    asked++;
    const { data, headers } = refusal(new SlacklineError('submission_incomplete', 'All files are missing'));
    bus.publish(reply ?? '', data, { headers });
  });
  await bus.flush();
});
afterAll(async () => {
  await bus?.close();
  await server?.close();
});

const digest = 'd'.repeat(64);
const file = (digit: string): LocalFile => ({ digest: digit.repeat(64), bytes: 4, data: Buffer.from('data') });
const files: LocalFiles = { onnx: file('1'), spec: file('2'), images: file('3'), labels: file('4') };
const submission = { name: 'net', sloMs: 100, options: { quick: true, seed: 1 }, replace: false, files };

it('that is interrupted while it uploads uploads no more, and does not ask again', async () => {
  const stop = new AbortController();
  let begun = 0;
  const onUpload = () => {
    if (++begun === 2) stop.abort(interrupted);
  };
  await expect(submit({ bus, subjects, uploads }, submission, { onUpload }, stop.signal)).rejects.toBe(interrupted);
  expect({ asked, begun }).toEqual({ asked: 1, begun: 2 });
  expect(await uploads.names()).toEqual([files.onnx.digest]);
});

it('that is interrupted in the middle of a file does not wait for its end', async () => {
  const stop = new AbortController();
  const stuck: Pick<ObjectBucket, 'size' | 'put'> = {
    size: async () => undefined,
    put: () => {
      stop.abort(interrupted);
      return new Promise(() => {});
    },
  };
  const to = { bus, subjects, uploads: stuck as ObjectBucket };
  await expect(submit(to, submission, {}, stop.signal)).rejects.toBe(interrupted);
});

it('that is interrupted before it begins asks nobody', async () => {
  const before = asked;
  const given = submit({ bus, subjects, uploads }, submission, {}, AbortSignal.abort(interrupted));
  await expect(given).rejects.toBe(interrupted);
  expect(asked).toBe(before);
});

/** The bucket of records, with what is done around `watch`, and how many watches are open. */
function watched(onOpen: () => void) {
  const open = { count: 0 };
  const watch: KeyBucket['watch'] = async (onEntry) => {
    open.count++;
    onOpen();
    const { drain } = await records.watch(onEntry);
    return { drain: () => drain().finally(() => open.count--) };
  };
  return { bucket: { watch } as Partial<KeyBucket> as KeyBucket, open };
}

it('followed with a signal that has aborted, is not watched', async () => {
  let opened = false;
  const { bucket } = watched(() => {
    opened = true;
  });
  const to = { profiles, records: bucket };
  const followed = follow(to, { name: 'net', digest }, () => {}, AbortSignal.abort(interrupted));
  await expect(followed).rejects.toBe(interrupted);
  expect(opened).toBe(false);
});

it('interrupted while the watch is being opened, closes it and tells nothing any more', async () => {
  await put('net', digest, 'running');
  const stop = new AbortController();
  const { bucket, open } = watched(() => stop.abort(interrupted));
  const told: SubmissionRecord[] = [];
  const to = { profiles, records: bucket };
  const followed = follow(to, { name: 'net', digest }, (each) => told.push(each), stop.signal);
  await expect(followed).rejects.toBe(interrupted);
  expect(open.count).toBe(0);
  expect(told).toEqual([]);
});

it('followed while it is queued, is told of what is made before it', async () => {
  await put('net', digest, 'queued');
  await put('other', 'e'.repeat(64), 'running');
  const stop = new AbortController();
  const onProgress = (record: SubmissionRecord, all: readonly SubmissionRecord[]) => {
    const running = all.filter(({ state }) => state === 'running').map(({ name }) => name);
    if (record.name === 'net' && running.includes('other')) stop.abort(interrupted);
  };
  await expect(follow({ profiles, records }, { name: 'net', digest }, onProgress, stop.signal)).rejects.toBe(
    interrupted,
  );
});

async function put(name: string, of: string, state: 'queued' | 'running'): Promise<void> {
  const record: SubmissionRecord = {
    ...{ v: 1, name, digest: of, sloMs: 100, options: submission.options, submittedAt: '2026-01-01T00:00:00Z' },
    files: { onnx: file('1'), spec: file('2'), images: file('3'), labels: file('4') },
    ...{ state, stage: state, shareDone: 0, leftMs: null },
  };
  await records.put(name, Buffer.from(JSON.stringify(record)));
}
