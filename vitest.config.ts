import { defineConfig } from 'vitest/config';

// Tests run the TypeScript sources: every workspace package offers them under this condition.
const conditions = ['slackline-source', 'node', 'import', 'default'];
const common = {
  resolve: { conditions },
  ssr: { resolve: { conditions } },
};
// In CI, on machines shared with others, a test that fails is tried once more; .ci/run names every one that needed it.
const limits = { testTimeout: 30_000, hookTimeout: 60_000, retry: process.env.CI === 'true' ? 1 : 0 };
const exclude = ['**/dist/**', '**/node_modules/**'];
// Whole systems under load, with real deadlines: one at a time, after everything else.
const systems = [
  'test/e2e/**/*.test.ts',
  'test/failover/**/*.test.ts',
  'test/fuzz/**/*.test.ts',
  'test/security/serving.test.ts',
  'bench/src/run.test.ts',
  'bench/src/ceiling/ceiling.test.ts',
  'bench/src/peers/peers.test.ts',
];

export default defineConfig({
  test: {
    projects: [
      {
        ...common,
        test: {
          ...limits,
          name: 'rooms',
          include: [
            'packages/*/src/**/*.test.ts',
            'services/*/src/**/*.test.ts',
            'experiments/src/**/*.test.ts',
            'bench/src/**/*.test.ts',
            'test/**/*.test.ts',
          ],
          exclude: [...exclude, ...systems],
          // Two cores: more processes than that only make the integration tests wait for each other.
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        ...common,
        test: {
          ...limits,
          name: 'system',
          include: systems,
          exclude,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
