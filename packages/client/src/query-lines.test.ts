import { headerNames } from '@slackline/shared';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { QueryOptions } from './options.js';
import { QueryLines } from './query-lines.js';

const any = fc.record(
  {
    deadline: fc.constantFrom(1e12, 1e12 + 0.5),
    contentType: fc.constantFrom('application/json', 'application/octet-stream'),
    minAccuracy: fc.constantFrom(0, 0.5),
    priority: fc.constantFrom('low' as const, 'high' as const),
  },
  { requiredKeys: [] },
);

it('says of each query what its own options say, whatever those of the one before', () => {
  fc.assert(
    fc.property(fc.array(any), (all) => {
      const lines = new QueryLines();
      // Callers may use one object again and again.
      const options: QueryOptions = {};
      for (const each of all) {
        for (const name of ['deadline', 'contentType', 'minAccuracy', 'priority'] as const) delete options[name];
        const said = lines.of(Object.assign(options, each));
        expect(said.get(headerNames.deadline)).toBe(each.deadline?.toString());
        expect(said.get(headerNames.contentType)).toBe(each.contentType);
        expect(said.get(headerNames.minAccuracy)).toBe(each.minAccuracy?.toString());
        expect(said.get(headerNames.priority)).toBe(each.priority);
      }
    }),
  );
});
