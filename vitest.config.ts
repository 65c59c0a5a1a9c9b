import { defineConfig } from 'vitest/config';

// Tests run the TypeScript sources: every workspace package offers them under this condition.
const conditions = ['slackline-source', 'node', 'import', 'default'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'services/*/src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/dist/**', '**/node_modules/**'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Two cores: more processes than that only make the integration tests wait for each other.
    maxWorkers: 2,
  },
});
