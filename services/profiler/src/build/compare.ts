/** Puts the search beside uniform sampling: as many measurements, the same care for what survives. */
import type { Measured } from '../search/search.js';
import { keyOf, smallestOf } from '../search/space.js';
import { paretoFront } from '../stages/select.js';
import type { Build, Survivor } from './build.js';
import type { SeedComparison } from './report.js';

/** Runs both for a seed. What was measured once is not measured again, so further seeds cost less and less. */
export async function compareWithUniform(build: Build, seed: number): Promise<SeedComparison> {
  const { front: _, ...search } = await outcomeOf(build, await build.search(seed));
  const { front, ...uniform } = await outcomeOf(build, await build.uniform(seed));
  return { seed, search, uniform, uniformFront: front.map(({ cost, accuracy }) => ({ cost, accuracy })) };
}

async function outcomeOf(build: Build, measured: readonly Measured[]) {
  const survivors = await build.survivors(measured);
  const front = paretoFront(survivors);
  return { front, heldOut: build.hypervolume(survivors), test: await testHypervolume(build, survivors, front) };
}

/** Of the front as it was chosen; what turns out to be beaten on the test inputs adds nothing. */
async function testHypervolume(
  build: Build,
  survivors: readonly Survivor[],
  front: readonly Survivor[],
): Promise<number> {
  const smallest = keyOf(smallestOf(build.space));
  const ends = survivors.filter(({ genome }) => keyOf(genome) === smallest);
  const tested = [...new Set([...ends, ...front])];
  const accuracies = await build.onTest(tested.map(({ genome }) => genome));
  return build.hypervolume(tested.map(({ genome, cost }, i) => ({ genome, cost, accuracy: accuracies[i] ?? 0 })));
}
