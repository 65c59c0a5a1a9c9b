import fc from 'fast-check';
import { expect, it } from 'vitest';
import { elements, makeNode } from '../onnx/model.js';
import { moved } from './fold.js';

it('turns constants of any rank and type as ONNX does', () => {
  const dims = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 });
  const turn = dims.chain((sizes) =>
    fc.record({
      sizes: fc.constant(sizes),
      perm: fc.shuffledSubarray([...sizes.keys()], { minLength: sizes.length }),
      type: fc.constantFrom('uint8' as const, 'float16' as const, 'float32' as const, 'int64' as const),
    }),
  );
  const widths = { uint8: 1, float16: 2, float32: 4, int64: 8 };
  fc.assert(
    fc.property(turn, ({ sizes, perm, type }) => {
      const width = widths[type];
      const bytes = Uint8Array.from({ length: elements(sizes) * width }, (_, i) => i % 251);
      const made = moved(makeNode('Transpose', ['x'], ['y'], { perm }), { type, dims: sizes, bytes }, []);
      const out = perm.map((axis) => sizes[axis] ?? 0);
      expect(made?.dims).toEqual(out);
      for (let to = 0; to < elements(sizes); to++) {
        // The place of each element along the axes of the result, and from it the element's number in the source.
        const places = out.map((size, k) => Math.floor(to / elements(out.slice(k + 1))) % size);
        const from = sizes.reduce((at, size, axis) => at * size + (places[perm.indexOf(axis)] ?? 0), 0);
        const [found, wanted] = [made?.bytes.subarray(to * width), bytes.subarray(from * width)];
        expect(found?.slice(0, width)).toEqual(wanted.slice(0, width));
      }
    }),
    { seed: 3 },
  );
});
