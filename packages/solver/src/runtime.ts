/** Instances of HiGHS. */
import { createRequire } from 'node:module';
import type { Highs } from 'highs';

// The package's types describe its CommonJS form: under `import` its default export would be typed one level too deep.
const { default: load }: { default: () => Promise<Highs> } = createRequire(import.meta.url)('highs');

/** A fresh instance, independent of all others. */
export function newInstance(): Promise<Highs> {
  return load();
}
