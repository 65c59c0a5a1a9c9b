import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Constraints, constraintHeaders, constraintsIn, constraintsOf, priorities } from './constraints.js';

const headersOf = (values: Readonly<Record<string, string>>) => ({ get: (name: string) => values[name] });

describe('constraints', () => {
  it('are read from headers as they were written', () => {
    const any: fc.Arbitrary<Constraints> = fc.record(
      { minAccuracy: fc.double({ min: 0, max: 1, noNaN: true }), priority: fc.constantFrom(...priorities) },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(any, (constraints) => {
        const read = constraintsIn(headersOf(constraintHeaders(constraints)));
        expect(read.priority).toBe(constraints.priority);
        expect(read.minAccuracy === undefined).toBe(constraints.minAccuracy === undefined);
        // Numbers that would need an exponent are written to the sixth digit.
        expect(read.minAccuracy ?? 0).toBeCloseTo(constraints.minAccuracy ?? 0, 6);
      }),
    );
  });

  it.each([
    ['Min-Accuracy', '1.01'],
    ['Min-Accuracy', '-0.1'],
    ['Min-Accuracy', '1e-1'],
    ['Min-Accuracy', 'NaN'],
    ['Min-Accuracy', ''],
    ['Min-Accuracy', '90%'],
    ['Priority', 'urgent'],
    ['Priority', 'High'],
    ['Priority', '1'],
    ['Priority', ''],
  ])('in the header %s are not %j', (name, value) => {
    const read = () => constraintsIn(headersOf({ [name]: value }));
    expect(read).toThrow(expect.objectContaining({ code: 'wrong_constraint' }));
    expect(read).toThrow(/^(Min-Accuracy|Priority) is .*, but must be .* leave them out$/);
  });

  it('are read from parameters, with Triton’s numbers for priorities', () => {
    expect(constraintsOf({ min_accuracy: 0.5, priority: 'low', other: {} })).toEqual({
      minAccuracy: 0.5,
      priority: 'low',
    });
    expect(constraintsOf({})).toEqual({});
    const levels = [0, 1, 2, 3].map((priority) => constraintsOf({ priority }).priority);
    expect(levels).toEqual(['normal', 'high', 'normal', 'low']);
  });

  it.each([
    { min_accuracy: '0.5' },
    { min_accuracy: null },
    { min_accuracy: Number.NaN },
    { min_accuracy: 2 },
    { priority: 4 },
    { priority: -1 },
    { priority: 0.5 },
    { priority: true },
    { priority: {} },
  ])('in parameters are not %o', (parameters) => {
    const error = expect.objectContaining({ code: 'wrong_constraint' });
    expect(() => constraintsOf(parameters)).toThrow(error);
  });

  it('says which numbers there are to whoever gave a number', () => {
    expect(() => constraintsOf({ priority: 4 })).toThrow(
      /^The parameter priority is 4, .* from 1 \(high\) to 3 \(low\)/,
    );
  });
});
