/** What must be refused: who tries which subject. Each is something that the same key could use to do harm. */
import type { Role } from '@slackline/local/hardened';

/** Subjects that somebody may not publish to, and such that they may not hear. */
export interface Attempts {
  publish: readonly string[];
  subscribe: readonly string[];
}

const api = '$JS.API';
/** Nobody but the administrator ends or empties a stream, or listens to everything. */
const nobody: Attempts = {
  publish: [
    ...['QUERIES', 'CLAIMS', 'RESULTS', 'RESULTS_acme', 'CLOCK', 'KV_leader', 'KV_profiles', 'KV_submissions'].flatMap(
      (stream) => [
        `${api}.STREAM.DELETE.${stream}`,
        `${api}.STREAM.PURGE.${stream}`,
        `${api}.STREAM.MSG.DELETE.${stream}`,
      ],
    ),
    ...['KV_leader', 'KV_profiles', 'EVIL'].map((stream) => `${api}.STREAM.UPDATE.${stream}`),
    `${api}.STREAM.CREATE.EVIL`,
    `${api}.STREAM.LIST`,
    `${api}.ACCOUNT.PURGE.SLACKLINE`,
    // Whoever is asked by these answers wherever the question says.
    '$SRV.INFO',
    '$SRV.PING',
    '$SYS.REQ.SERVER.PING',
    // As if it came from the front door of a tenant.
    'tenants.acme.infer.fashion',
    'infer.fashion',
  ],
  subscribe: [
    '>',
    '_INBOX.>',
    '_INBOX.*.*.*',
    '$JS.>',
    '$KV.>',
    '$O.>',
    '$SYS.>',
    'tenants.>',
    'queries.>',
    'results.>',
  ],
};

const toQueue = ['queries.fashion', 'queries.claim.fashion'];
const toWorkers = ['workers.gpu-worker-0.batch', 'workers.gpu-worker-0.fenced', 'workers.rollcall'];
const toTenants = ['tenants.acme._INBOX.x.y', 'tenants.acme.results.fashion.k', 'results.fashion.k'];
const queueConsumers = ['QUERIES', 'CLAIMS'].flatMap((stream) => [
  `${api}.CONSUMER.CREATE.${stream}`,
  `${api}.CONSUMER.CREATE.${stream}.thief`,
  `${api}.CONSUMER.DURABLE.CREATE.${stream}.thief`,
  `${api}.CONSUMER.DELETE.${stream}.scheduler-1`,
  `${api}.CONSUMER.MSG.NEXT.${stream}.scheduler-1`,
  `${api}.CONSUMER.NAMES.${stream}`,
  `$JS.ACK.${stream}.scheduler-1.1.1.1.1.0`,
]);
const lead = ['$KV.leader.leader', 'schedulers.x.ping', `${api}.CONSUMER.CREATE.KV_leader`];
const changeModels = ['$KV.profiles.model.fashion', '$KV.profiles.latency.fashion.x', '$O.models.M.x', '$O.models.C.x'];
const answersOfOthers = ['_INBOX.scheduler.x.y', '_INBOX.ingest.x.y', '_INBOX.profiler.x.y', '_INBOX.gpu-worker.x.y'];
const readOthers = [`${api}.STREAM.MSG.GET.RESULTS_acme`, `${api}.DIRECT.GET.RESULTS_acme`];
/** Bodies of queries: nobody's but those that wait in CLAIMS, a worker's alone. */
const readQueries = [`${api}.DIRECT.GET.QUERIES`, `${api}.STREAM.MSG.GET.QUERIES`];
const readClaims = [`${api}.DIRECT.GET.CLAIMS`, `${api}.STREAM.MSG.GET.CLAIMS`];
const asWorker = ['batches.done', 'workers.available', 'workers.gpu-worker-0.heartbeat', 'telemetry.worker'];
const askProfiler = ['profiler.submit', 'profiler.remove', 'profiler.measure'];

const own: Record<Exclude<Role, 'admin'>, Attempts> = {
  'gpu-worker': {
    publish: [
      ...toQueue,
      ...toWorkers,
      ...toTenants,
      ...queueConsumers,
      ...lead,
      ...changeModels,
      ...answersOfOthers,
      ...readOthers,
      ...readQueries,
      ...askProfiler,
      'clock',
      'backlog',
      'telemetry.scheduler',
      `${api}.STREAM.UPDATE.QUERIES`,
      `${api}.STREAM.UPDATE.CLAIMS`,
      `${api}.STREAM.CREATE.KV_profiles`,
    ],
    subscribe: ['batches.done', 'profiler.*', '_INBOX.scheduler.>', 'infer.*', 'telemetry.>'],
  },
  ingest: {
    publish: [
      ...toWorkers,
      ...toTenants.slice(1),
      ...queueConsumers,
      ...lead,
      ...changeModels,
      ...answersOfOthers.filter((subject) => !subject.includes('ingest')),
      ...readOthers,
      ...asWorker,
      ...askProfiler,
      ...readQueries,
      ...readClaims,
      `${api}.STREAM.UPDATE.QUERIES`,
      `${api}.STREAM.UPDATE.CLAIMS`,
    ],
    subscribe: ['queries.*', 'batches.done', 'workers.>', 'profiler.*', '_INBOX.scheduler.>'],
  },
  scheduler: {
    publish: [
      ...toQueue,
      ...changeModels,
      ...readOthers,
      ...readQueries,
      ...readClaims,
      ...asWorker,
      ...askProfiler,
      '_INBOX.ingest.x.y',
    ],
    subscribe: ['infer.*', 'workers.*.batch', 'profiler.*', '_INBOX.ingest.>'],
  },
  profiler: {
    publish: [
      ...toQueue,
      ...toWorkers,
      ...toTenants,
      ...queueConsumers,
      ...lead,
      ...readOthers,
      ...asWorker,
      '_INBOX.scheduler.x.y',
      ...readQueries,
      ...readClaims,
      `${api}.STREAM.UPDATE.QUERIES`,
      `${api}.STREAM.UPDATE.CLAIMS`,
    ],
    subscribe: ['infer.*', 'batches.done', 'workers.*.batch', '_INBOX.scheduler.>'],
  },
  operator: {
    publish: [
      ...toQueue,
      ...toWorkers,
      ...toTenants,
      ...queueConsumers,
      ...lead,
      ...changeModels,
      ...answersOfOthers,
      ...readOthers,
      ...asWorker,
      '$KV.submissions.x',
      // It writes there, and would have what it wrote delivered to workers.
      `${api}.CONSUMER.CREATE.OBJ_submissions`,
      ...readQueries,
      ...readClaims,
      `${api}.STREAM.UPDATE.QUERIES`,
      `${api}.STREAM.UPDATE.CLAIMS`,
    ],
    subscribe: ['infer.*', 'batches.done', 'workers.>', 'profiler.*', '_INBOX.profiler.>'],
  },
};

/** By role. */
export const attempts: Record<Exclude<Role, 'admin'>, Attempts> = {
  'gpu-worker': both(own['gpu-worker']),
  ingest: both(own.ingest),
  scheduler: both(own.scheduler),
  profiler: both(own.profiler),
  operator: both(own.operator),
};

/** In the account of a tenant these would reach nobody; they are refused all the same. */
export const producerAttempts: Attempts = {
  publish: [
    'tenants.borg.infer.fashion',
    'tenants.acme.infer.fashion',
    ...toQueue,
    ...toWorkers,
    ...toTenants,
    'tenants.borg._INBOX.x.y',
    ...queueConsumers,
    ...lead,
    ...changeModels,
    ...asWorker,
    ...askProfiler,
    '_INBOX.x.y',
    'results.fashion.k',
    'clock',
    '$SRV.INFO',
    `${api}.INFO`,
    `${api}.STREAM.NAMES`,
    `${api}.STREAM.INFO.RESULTS`,
    `${api}.STREAM.MSG.GET.RESULTS`,
    `${api}.STREAM.MSG.GET.RESULTS_borg`,
    ...readQueries,
    ...readClaims,
    `${api}.DIRECT.GET.RESULTS_acme`,
    `${api}.DIRECT.GET.RESULTS_borg`,
    `${api}.DIRECT.GET.RESULTS.tenants.borg.results.fashion.k`,
    `${api}.DIRECT.GET.KV_leader`,
    `${api}.DIRECT.GET.KV_submissions`,
    `${api}.CONSUMER.CREATE.RESULTS`,
    `${api}.CONSUMER.CREATE.RESULTS.thief.tenants.borg.results.fashion.k`,
    `${api}.CONSUMER.MSG.NEXT.RESULTS_borg.guess`,
    `${api}.CONSUMER.CREATE.KV_profiles`,
    `${api}.STREAM.PURGE.RESULTS`,
    `${api}.STREAM.DELETE.RESULTS`,
  ],
  subscribe: [
    '>',
    'workers.>',
    'queries.>',
    'tenants.>',
    'tenants.borg._INBOX.>',
    'batches.done',
    'telemetry.>',
    'infer.*',
    '$KV.>',
    '$JS.>',
    '$SYS.>',
    'profiler.*',
  ],
};

function both({ publish, subscribe }: Attempts): Attempts {
  return { publish: [...publish, ...nobody.publish], subscribe: [...subscribe, ...nobody.subscribe] };
}
