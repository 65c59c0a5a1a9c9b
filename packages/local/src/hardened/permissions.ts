/**
 * What each role may publish and hear: all that it needs, and nothing else. The names are those of the code (`Subjects`), so
 * that both change together. docs/security.md has the reasons as a table.
 */
import { profileKeys, Subjects } from '@slackline/shared';
import { inboxPrefix, type Role } from './names.js';

/** Subjects, with wildcards. */
export interface Permissions {
  publish: string[];
  subscribe: string[];
  /** Whether it may answer requests, once each, wherever their senders listen. */
  answers?: boolean;
}

const api = (call: string) => `$JS.API.${call}`;
const subjects = new Subjects();
const { stores } = subjects;
const bucket = (name: string) => `KV_${name}`;
const objectStore = (name: string) => `OBJ_${name}`;

/** Looking at single messages of a stream. */
const look = (stream: string) => [
  api(`STREAM.INFO.${stream}`),
  api(`STREAM.MSG.GET.${stream}`),
  api(`DIRECT.GET.${stream}`),
  api(`DIRECT.GET.${stream}.>`),
];
/**
 * Reading a stream by a consumer of one's own, as the client's watches do. Who creates a consumer says where its messages
 * go, whatever it may publish itself (nats-server's issue 8274): the operator, who uploads what it likes, may create none on that.
 */
const read = (stream: string) => [
  ...look(stream),
  // The client looks up which stream has the subjects that it watches.
  api('STREAM.NAMES'),
  api(`CONSUMER.CREATE.${stream}`),
  api(`CONSUMER.CREATE.${stream}.>`),
  api(`CONSUMER.INFO.${stream}.*`),
  api(`CONSUMER.DELETE.${stream}.*`),
  `$JS.FC.${stream}.>`,
];
/** Making a stream where it is not there; one that is there stays as it is. */
const create = (stream: string) => [api(`STREAM.CREATE.${stream}`), api(`STREAM.INFO.${stream}`)];
/** A queue: a consumer for each term, and the end of the one before. */
const consume = (stream: string) => [
  api(`CONSUMER.CREATE.${stream}.>`),
  api(`CONSUMER.DURABLE.CREATE.${stream}.*`),
  api(`CONSUMER.*.${stream}`),
  api(`CONSUMER.INFO.${stream}.*`),
  api(`CONSUMER.DELETE.${stream}.*`),
  api(`CONSUMER.MSG.NEXT.${stream}.*`),
  `$JS.ACK.${stream}.>`,
];
/** Changing bounds and copies: a stream that is made smaller forgets. */
const change = (stream: string) => [api(`STREAM.UPDATE.${stream}`)];
/** Objects are written as messages, and what is replaced is purged. */
const writeObjects = (name: string) => [`$O.${name}.>`, api(`STREAM.PURGE.${objectStore(name)}`)];

/** Every service is asked by `$SRV`, which only an administrator may use: the answer goes wherever the question says. */
const announced = (service: string) =>
  ['PING', 'INFO', 'STATS'].flatMap((verb) => [`$SRV.${verb}`, `$SRV.${verb}.${service}`, `$SRV.${verb}.${service}.*`]);
const toAdmin = `${inboxPrefix('admin')}.>`;
const hears = (role: Role) => `${inboxPrefix(role)}.>`;

/** @param tenants for whose stored answers there are streams */
export function permissionsOf(role: Role, tenants: readonly string[]): Permissions {
  const results = [stores.results, ...tenants.map((tenant) => subjects.resultsOf(tenant))];
  const queues = [stores.queries, stores.claims];
  const streams = [...queues, stores.clock, ...results];
  /** Reading the broker's time. */
  const clock = [subjects.clock, api(`STREAM.MSG.GET.${stores.clock}`)];
  const ofTenants = (subject: string) => tenants.map((tenant) => subjects.ofTenant(tenant, subject));
  const kinds: Record<Role, Permissions> = {
    ingest: {
      publish: [
        api('INFO'),
        ...streams.flatMap(create),
        ...clock,
        ...create(bucket(stores.profiles)),
        ...read(bucket(stores.profiles)),
        subjects.queries('*'),
        subjects.claims('*'),
        ...ofTenants('_INBOX.>'),
        subjects.outcomesAgain,
        subjects.telemetry('ingest'),
        toAdmin,
      ],
      subscribe: [
        hears('ingest'),
        ...announced('slackline-ingest'),
        subjects.infer('*'),
        ...ofTenants('infer.*'),
        subjects.backlog,
        subjects.telemetry('ingest'),
      ],
    },
    scheduler: {
      publish: [
        api('INFO'),
        ...streams.flatMap(create),
        ...streams.flatMap(change),
        ...clock,
        ...create(bucket(stores.profiles)),
        ...read(bucket(stores.profiles)),
        ...create(bucket(stores.leader)),
        ...read(bucket(stores.leader)),
        `$KV.${stores.leader}.>`,
        ...queues.flatMap(consume),
        // Workers and other schedulers.
        subjects.batch('*'),
        subjects.ping('*'),
        subjects.fenced('*'),
        subjects.rollCall,
        subjects.schedulerPing('*'),
        hears('scheduler'),
        // Outcomes.
        ...ofTenants('_INBOX.>'),
        ...ofTenants('results.*.*'),
        subjects.allResults,
        subjects.backlog,
        subjects.telemetry('scheduler'),
        toAdmin,
      ],
      subscribe: [
        hears('scheduler'),
        ...announced('slackline-scheduler'),
        subjects.workersAvailable,
        subjects.heartbeat('*'),
        subjects.batchesDone,
        subjects.outcomesAgain,
        subjects.schedulerPing('*'),
      ],
    },
    'gpu-worker': {
      publish: [
        api('INFO'),
        ...read(bucket(stores.profiles)),
        ...read(objectStore(stores.models)),
        // Large bodies stay in their stream, and are fetched by sequence: straight, or where that cannot be, by its leader.
        api(`DIRECT.GET.${stores.claims}`),
        api(`STREAM.MSG.GET.${stores.claims}`),
        subjects.workersAvailable,
        subjects.heartbeat('*'),
        subjects.batchesDone,
        subjects.telemetry('worker'),
      ],
      subscribe: [
        hears('gpu-worker'),
        ...announced('slackline-worker'),
        subjects.batch('*'),
        subjects.ping('*'),
        subjects.fenced('*'),
        subjects.rollCall,
        subjects.measure('*'),
      ],
      // Pings and measurements. A right to a whole inbox would let it guess answers of the broker.
      answers: true,
    },
    profiler: {
      publish: [
        api('INFO'),
        ...[stores.profiles, stores.submissions].flatMap((name) => [...create(bucket(name)), ...read(bucket(name))]),
        ...[stores.models, stores.submissions].flatMap((name) => [
          ...create(objectStore(name)),
          ...read(objectStore(name)),
          ...writeObjects(name),
        ]),
        `$KV.${stores.profiles}.>`,
        `$KV.${stores.submissions}.>`,
        subjects.measure('*'),
        subjects.telemetry('profiler'),
        hears('operator'),
        toAdmin,
      ],
      subscribe: [
        hears('profiler'),
        ...announced('slackline-profiler'),
        subjects.workersAvailable,
        subjects.heartbeat('*'),
        subjects.telemetry('>'),
        ...(['submit', 'remove', 'measure'] as const).map((request) => subjects.profiler(request)),
      ],
    },
    operator: {
      publish: [
        api('INFO'),
        ...read(bucket(stores.profiles)),
        ...read(bucket(stores.submissions)),
        ...look(objectStore(stores.submissions)),
        ...writeObjects(stores.submissions),
        ...(['submit', 'remove', 'measure'] as const).map((request) => subjects.profiler(request)),
      ],
      subscribe: [hears('operator'), subjects.telemetry('>')],
    },
    admin: { publish: ['>'], subscribe: ['>'] },
  };
  return kinds[role];
}

/** A producer, in the account of its tenant: the names are those that this account has for what is mapped into it. */
export const producerPermissions: Permissions = {
  publish: [subjects.infer('*'), api(`DIRECT.GET.${stores.results}`), api(`DIRECT.GET.${bucket(stores.profiles)}`)],
  subscribe: ['_INBOX.>', subjects.results('*', '*'), subjects.profile(profileKeys.model('*'))],
};
