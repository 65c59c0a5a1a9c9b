import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonText } from './json-text.js';

test('reads back as what was written', () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
      expect(JSON.parse(jsonText(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

test('plain values share a line, nested ones do not', () => {
  expect(jsonText({ batches: [1, 2], subnets: [{ id: 'a', at: [0, 8] }] })).toBe(
    [
      '{',
      '  "batches": [1, 2],',
      '  "subnets": [',
      '    {',
      '      "id": "a",',
      '      "at": [0, 8]',
      '    }',
      '  ]',
      '}',
    ].join('\n'),
  );
});
