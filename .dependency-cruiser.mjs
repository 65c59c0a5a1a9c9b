// What may import what. The rooms and the reasons are in docs/architecture.md.
const room = (name) => `^(packages|services)/${name}/`;

export default {
  forbidden: [
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'services-never-import-services',
      severity: 'error',
      from: { path: '^services/([^/]+)/' },
      to: { path: '^services/', pathNot: '^services/$1/' },
    },
    {
      name: 'packages-never-import-services',
      severity: 'error',
      from: { path: '^packages/' },
      to: { path: '^services/' },
    },
    {
      name: 'scheduling-is-pure',
      comment: 'No other room, no I/O, no clock: time comes in as an argument.',
      severity: 'error',
      from: { path: room('scheduling'), pathNot: '((\\.test|/testing)\\.ts$|/src/bench/)' },
      to: { pathNot: room('scheduling') },
    },
    {
      name: 'one-file-knows-nats',
      severity: 'error',
      from: { pathNot: '^packages/shared/src/bus/nats/client\\.ts$' },
      to: { path: 'node_modules/(nats|@nats-io)/' },
    },
    {
      name: 'one-folder-knows-that-file',
      severity: 'error',
      from: { pathNot: '^packages/shared/src/bus/nats/' },
      to: { path: '^packages/shared/src/bus/nats/client\\.ts$' },
    },
    {
      name: 'supernet-knows-no-bus',
      severity: 'error',
      from: { path: room('supernet') },
      to: { path: '^(packages|services)/', pathNot: [room('supernet'), room('plot')] },
    },
    {
      name: 'traces-import-no-room',
      severity: 'error',
      from: { path: room('traces') },
      to: { path: '^(packages|services)/', pathNot: room('traces') },
    },
    {
      name: 'solver-knows-scheduling-alone',
      severity: 'error',
      from: { path: room('solver') },
      to: { path: '^(packages|services)/', pathNot: [room('solver'), room('scheduling')] },
    },
    {
      name: 'simulator-knows-no-bus',
      comment: 'It runs the scheduling code on traces; whatever needs a network or a solver is handed in.',
      severity: 'error',
      from: { path: room('simulator'), pathNot: '(\\.test\\.ts$|/src/bench/)' },
      to: { path: '^(packages|services)/', pathNot: [room('simulator'), room('scheduling'), room('traces')] },
    },
    {
      name: 'chaos-does-to-processes-only',
      comment: 'Faults hit the processes of a system from outside, as a bad day would.',
      severity: 'error',
      from: { path: room('chaos') },
      to: {
        path: '^(packages|services)/',
        pathNot: [
          room('chaos'),
          room('client'),
          room('load'),
          room('local'),
          room('plot'),
          room('shared'),
          room('traces'),
        ],
      },
    },
    {
      name: 'experiments-are-imported-by-nobody',
      severity: 'error',
      from: { pathNot: '^experiments/' },
      to: { path: '^experiments/' },
    },
    {
      name: 'experiments-start-services-only-as-processes',
      severity: 'error',
      from: { path: '^experiments/' },
      to: { path: '^services/' },
    },
    {
      name: 'benches-are-imported-by-nobody',
      severity: 'error',
      from: { pathNot: '^bench/' },
      to: { path: '^bench/' },
    },
    {
      name: 'benches-start-services-only-as-processes',
      severity: 'error',
      from: { path: '^bench/' },
      to: { path: '^services/' },
    },
    {
      name: 'shared-imports-no-room',
      severity: 'error',
      from: { path: room('shared') },
      to: { path: '^(packages|services)/', pathNot: room('shared') },
    },
    {
      name: 'sources-import-no-tests',
      severity: 'error',
      from: { pathNot: '(\\.test\\.ts$|^test/)' },
      to: { path: '(\\.test\\.ts$|^test/)' },
    },
    { name: 'not-to-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/dist/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['slackline-source', 'import', 'node', 'default'],
    },
  },
};
