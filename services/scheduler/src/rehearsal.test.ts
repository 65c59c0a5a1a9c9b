import { expect, it } from 'vitest';
import { rehearseDecisions } from './rehearsal.js';

// A rehearsal in which nothing piles up would rehearse nothing.
it.each(['budgetfit', 'slackfit', 'maxbatch', 'maxacc', 'fixed:no-such-subnet', 'infaas', 'infaas:0.75', 'proteus'])(
  'of %s ends, and goes as far as giving queries up',
  (policy) => {
    expect(rehearseDecisions(policy)).toBeGreaterThan(0);
  },
);
