import type { ModelEntry } from '@slackline/shared';
import { describe, expect, it } from 'vitest';
import type { LoadOptions } from './options.js';
import { querySource } from './queries.js';

const entry = (name: string): ModelEntry => ({
  v: 1,
  name,
  digest: '0'.repeat(64),
  inputs: [{ name: 'image', datatype: 'UINT8', shape: [-1, 4] }],
  outputs: [{ name: 'logits', datatype: 'FP32', shape: [-1, 10] }],
  sloMs: 36,
  subnets: [{ id: 'only', accuracy: 0.9 }],
});

const options = (more: Partial<LoadOptions>): LoadOptions => ({
  natsUrl: '',
  subjectPrefix: '',
  models: [{ entry: entry('fashion') }, { entry: entry('cars'), sloMs: 100, share: 3 }],
  arrivals: { kind: 'constant', rate: 1, seconds: 1, seed: 1 },
  ...more,
});

const draws = 10_000;
const first = (more: Partial<LoadOptions>) => {
  const queryOf = querySource(options(more));
  return Array.from({ length: draws }, (_, number) => queryOf(number));
};

describe('the queries of a load', () => {
  it('are spread over models, minima and classes by their shares, the same for the same seed', () => {
    const shares = {
      minAccuracy: [
        { value: 0, share: 1 },
        { value: 0.8, share: 1 },
      ],
      priority: [
        { value: 'low' as const, share: 0.2 },
        { value: 'high' as const, share: 0.8 },
      ],
    };
    const queries = first(shares);
    const part = (is: (query: (typeof queries)[number]) => boolean) => queries.filter(is).length / draws;
    // Four standard errors, and seeded: it never fails by chance on another day.
    const close = (found: number, wanted: number) => expect(Math.abs(found - wanted)).toBeLessThan(0.02);
    close(
      part(({ model, sloMs }) => model === 1 && sloMs === 100),
      0.75,
    );
    close(
      part(({ model, sloMs }) => model === 0 && sloMs === 36),
      0.25,
    );
    close(
      part(({ minAccuracy }) => minAccuracy === 0.8),
      0.5,
    );
    close(
      part(({ priority }) => priority === 'low'),
      0.2,
    );
    close(
      part(({ model, priority }) => model === 1 && priority === 'high'),
      0.6,
    );
    expect(first(shares)).toEqual(queries);
    expect(first({ ...shares, seed: 2 })).not.toEqual(queries);
  });

  it('ask for nothing where nothing is said', () => {
    const models = [{ entry: entry('fashion') }];
    expect(first({ models })[0]).toEqual({ model: 0, sloMs: 36, minAccuracy: 0, priority: 'normal' });
  });

  it('of a trace must be for models of the load', () => {
    const trace = { name: 'by hand', arrivalsMs: Float64Array.of(0), durationMs: 1, models: ['trains'] };
    expect(() => querySource(options({ arrivals: trace }))).toThrow(/trains.*fashion, cars/);
  });
});
