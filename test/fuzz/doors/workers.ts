/** What services say to each other: statuses, batch commands, ends of batches, pings, measurements, telemetry. */
import { encode } from '@slackline/shared';
import type { Random } from '../../harness/random.js';
import { bomb, damaged, mutated, oddText } from '../garbage.js';
import { block, hostileBlock, oddHeaders } from '../header-blocks.js';
import type { Door, Facts, Frame, Input } from '../input.js';
import { silentForMs } from '../timing.js';

type Message = Record<string, unknown>;

/** A control message, changed, damaged, of another version, or no message at all. */
export function hostile(message: Message, random: Random, facts: Facts): { kind: string; data: Uint8Array } {
  return random.pick([
    () => ({ kind: 'mutated', data: encode(mutated(message, random)) }),
    () => ({ kind: 'mutated', data: encode(mutated(message, random)) }),
    () => ({ kind: 'damaged', data: damaged(encode(message), random, facts.maxPayloadBytes) }),
    () => ({ kind: 'another version', data: encode({ ...message, v: random.pick([0, 2, '1', null, 1.5, 2 ** 53]) }) }),
    () => ({ kind: 'bomb', data: bomb(random, Math.min(facts.maxPayloadBytes, 300_000)) }),
    () => ({ kind: 'random bytes', data: random.bytes(random.size(500)) }),
  ])();
}

function withHeaders(frame: Frame, random: Random, facts: Facts): Frame {
  if (random.chance(0.8)) return frame;
  const headers = random.chance(0.5)
    ? block(oddHeaders(random))
    : hostileBlock(random, Math.min(facts.maxPayloadBytes / 4, 60_000));
  return { ...frame, headers };
}

/** A worker that takes no batch, so that what is only half wrong does no more harm than being heard. */
const statusOf = (random: Random, facts: Facts) => ({
  v: 1,
  workerId: `ghost-${random.int(0, 2 ** 30)}`,
  epoch: `e${random.int(0, 9)}`,
  deviceClass: 'ghost',
  executor: 'emulated',
  host: 'nowhere',
  models: { [facts.model]: facts.digest },
  versions: [facts.digest],
  freeSlots: 0,
  batchId: null,
  draining: false,
});

export const statuses: Door = {
  name: 'workers.available, heartbeats',
  weight: 10,
  rule: 'no answer is due: dropped, warned of at most once in a few seconds',
  draw(random, facts) {
    const { kind, data } = hostile(statusOf(random, facts), random, facts);
    const subject = random.pick([
      'workers.available',
      'workers.ghost.heartbeat',
      `workers.${random.pick([...facts.workers.keys()])}.heartbeat`,
    ]);
    return { kind, frames: [withHeaders({ subject, data }, random, facts)], answer: 'never' };
  },
};

/** Ids that become parts of subjects where nobody looks. */
const subjectsInIds = [
  '',
  '*',
  '>',
  'a.b',
  'a b',
  'x\r\nPUB clock 0\r\n\r\nPUB y',
  'x.batch 0\r\n\r\nPUB y',
  '\u0000',
  'x'.repeat(3_000),
  '$SYS',
  '__proto__',
];

export const impostors: Door = {
  name: 'impostors of workers',
  weight: 0.06,
  rule: 'no answer is due: a worker that does not speak is found out, its queries go to others',
  draw(random, facts) {
    const [workerId, epoch] = random.pick([...facts.workers]);
    const status = { ...statusOf(random, facts), deviceClass: facts.deviceClass, freeSlots: 1 };
    const said = random.pick([
      () => ({ kind: 'a worker that is not there', status }),
      () => ({ kind: 'another life of a worker', status: { ...status, workerId, freeSlots: 0 } }),
      () => ({ kind: 'goodbye of a worker', status: { ...status, workerId, epoch, freeSlots: 0, draining: true } }),
      () => ({ kind: 'an id that is a subject', status: { ...status, workerId: random.pick(subjectsInIds) } }),
      () => ({ kind: 'an epoch of any text', status: { ...status, epoch: oddText(random), freeSlots: 0 } }),
    ])();
    const frame = { subject: 'workers.available', data: encode(said.status) };
    return { kind: said.kind, frames: [frame], answer: 'never', settlesMs: silentForMs + 200 };
  },
};

export const ends: Door = {
  name: 'batches.done',
  weight: 8,
  rule: 'no answer is due: what is not in flight is ignored, what cannot be read is dropped',
  draw(random, facts) {
    const [workerId, epoch] = random.pick([...facts.workers]);
    const token = random.pick([facts.token, facts.token - 1, facts.token + 1, 2 ** 53 - 1, 0]);
    const answers = random.chance(0.5)
      ? [{ outputs: random.bytes(16) }]
      : { refused: 'stale_token', message: oddText(random) };
    const times = { actuationMs: 0, inferenceMs: random.pick([1, -1, 1e308]), heldMs: 1 };
    const done = {
      v: 1,
      workerId,
      epoch,
      token,
      batchId: `${token}-${random.int(1, 5_000_000)}`,
      answers,
      ...times,
      freeSlots: 1,
    };
    if (random.chance(0.4))
      return { kind: 'forged', frames: [{ subject: 'batches.done', data: encode(done) }], answer: 'never' };
    const { kind, data } = hostile(done, random, facts);
    return { kind, frames: [withHeaders({ subject: 'batches.done', data }, random, facts)], answer: 'never' };
  },
};

export const commands: Door = {
  name: 'workers.<id>.batch, fenced',
  weight: 10,
  rule: 'no answer is due: another epoch is ignored, an older token refused on batches.done',
  draw(random, facts) {
    const [workerId, epoch] = random.pick([...facts.workers]);
    const query = { id: 'q', contentType: 'application/octet-stream', payload: facts.row, sequence: 1 };
    const command = {
      v: 1,
      batchId: `forged-${random.int(0, 999)}`,
      token: random.pick([facts.token, 0, 1]),
      epoch: random.chance(0.5) ? epoch : 'another',
      model: facts.model,
      digest: facts.digest,
      subnet: random.pick(['small', 'large', 'none', '__proto__']),
      queries: [query],
    };
    if (random.chance(0.1)) {
      const data = random.chance(0.5)
        ? encode({ v: 1, epoch: oddText(random), token: 0 })
        : random.bytes(random.size(60));
      return { kind: 'fenced', frames: [{ subject: `workers.${workerId}.fenced`, data }], answer: 'never' };
    }
    const { kind, data } = hostile(command, random, facts);
    return {
      kind,
      frames: [withHeaders({ subject: `workers.${workerId}.batch`, data }, random, facts)],
      answer: 'never',
    };
  },
};

export const lockouts: Door = {
  name: 'forged tokens and epochs',
  weight: 0.12,
  rule: 'no answer is due: a token that no leader has is forgotten again',
  draw(random, facts) {
    const [workerId, epoch] = random.pick([...facts.workers]);
    const token = random.pick([2 ** 53 - 1, facts.token + 1, facts.token + 10 ** 9, 2 ** 52]);
    const batch = { v: 1, batchId: 'forged', token, model: facts.model, digest: facts.digest, subnet: 'small' };
    const queries = [{ id: 'q', contentType: 'application/octet-stream', payload: facts.row, sequence: 1 }];
    const input = (kind: string, frame: Frame): Input => ({ kind, frames: [frame], answer: 'never', settlesMs: 0 });
    return random.pick([
      () =>
        input('a token of the future', {
          subject: `workers.${workerId}.batch`,
          data: encode({ ...batch, epoch, queries }),
        }),
      () =>
        input('no queries', {
          subject: `workers.${workerId}.batch`,
          data: encode({ ...batch, token: facts.token, epoch, queries: [] }),
        }),
      () => input('a roll call', { subject: 'workers.rollcall', data: encode({ v: 1, token }) }),
      () =>
        input('a fenced epoch', {
          subject: `workers.${workerId}.fenced`,
          data: encode({ v: 1, epoch, token: facts.token }),
        }),
    ])();
  },
};

export const requests: Door = {
  name: 'pings, workers.<id>.measure',
  weight: 6,
  rule: 'a ping is answered; a measurement that is wrong is refused with a code; neither to a subject that is no inbox',
  draw(random, facts) {
    const workerId = random.pick([...facts.workers.keys()]);
    const pinged = random.chance(0.8) ? `workers.${workerId}` : `schedulers.${facts.schedulerId}`;
    const reply = random.chance(0.7)
      ? 'inbox'
      : random.pick(['$JS.API.STREAM.PURGE.QUERIES', 'queries.fuzz', 'workers.available']);
    const answer = reply === 'inbox' ? 'must' : 'never';
    if (random.chance(0.4)) {
      const data = random.bytes(random.size(200));
      return { kind: 'ping', frames: [withHeaders({ subject: `${pinged}.ping`, data, reply }, random, facts)], answer };
    }
    const digest = random.pick([facts.digest, '0'.repeat(64), '']);
    const grid = {
      subnets: ['small'],
      batches: [random.pick([1, 2 ** 31, 2 ** 53])],
      budgetMs: random.pick([1, 1e308]),
    };
    const { kind, data } = hostile({ v: 1, model: facts.model, digest, ...grid }, random, facts);
    const frame = { subject: `workers.${workerId}.measure`, data, reply };
    return { kind: `measure, ${kind}`, frames: [withHeaders(frame, random, facts)], answer };
  },
};

/** What a leader would say: that nothing can be carried. It is believed for as long as a leader may be silent. */
export const backlogs: Door = {
  name: 'backlog',
  weight: 2,
  rule: 'no answer is due: a report that is wrong is dropped; a forged one turns queries away (`overloaded`) for 5 s at most',
  draw(random, facts) {
    const part = () => ({
      takesMs: random.pick([0, 1, 3_600_000]),
      latestMs: random.pick([0, -1, 1e308]),
      sloMs: random.pick([5e-324, 1, 36, 1e308]),
    });
    const odd = () => ({ ...part(), within: random.pick([[], [part()], [part(), part()]]) });
    const classes = { low: odd(), normal: odd(), high: odd() };
    // Of a model that good queries do not ask, but for a few.
    const isMeant = random.chance(0.01);
    const model = isMeant ? facts.model : random.pick(['p0', 'x', '__proto__']);
    const report = { v: 1, models: [{ model, capacityPerMs: random.pick([1, 1e-9, 5e-324, 1e308]), ...classes }] };
    if (isMeant || random.chance(0.2)) {
      return {
        kind: 'forged',
        frames: [{ subject: 'backlog', data: encode(report) }],
        answer: 'never',
        ...(isMeant && { settlesMs: 0 }),
      };
    }
    const { kind, data } = hostile(report, random, facts);
    const input: Input = { kind, frames: [withHeaders({ subject: 'backlog', data }, random, facts)], answer: 'never' };
    return input;
  },
};

const counts = { ok: 1, late: 0, expired: 0, failed: 0 };
const summaries: Record<string, Message> = {
  scheduler: { v: 1, queued: 0, inFlight: 0, workers: 1, workersLost: 0, outcomes: counts, subnets: {}, meanBatch: 1 },
  ingest: { v: 1, instanceId: 'forged', accepted: 1, refused: {}, unconfirmed: 0, inFlight: 0, retried: 0, models: 1 },
  worker: {
    v: 1,
    workerId: 'ghost',
    host: 'h',
    deviceClass: 'c',
    executor: 'e',
    state: 'idle',
    batches: 0,
    queries: 0,
  },
  profiler: { v: 1, stage: 'ready', model: 'm', deviceClass: null, done: 1, total: 1 },
};

export const telemetry: Door = {
  name: 'telemetry.*',
  weight: 5,
  rule: 'no answer is due: listeners pass over what they cannot read',
  draw(random, facts) {
    const service = random.pick(Object.keys(summaries));
    const { kind, data } = hostile(summaries[service] ?? {}, random, facts);
    return { kind, frames: [withHeaders({ subject: `telemetry.${service}`, data }, random, facts)], answer: 'never' };
  },
};
