/** `build-model <model folder>`: writes subnets.json and statistics.bin into the folder. docs/profiling.md describes it. */
import { parseArgs } from 'node:util';
import { type BuildOptions, buildDefaults, buildModel } from './build/build-model.js';
import { readBuildResult, writeBuildResult } from './build/result.js';
import { showProgress } from './build/show-progress.js';
import { readModelFolder } from './stages/read.js';

const usage = `Usage: build-model FOLDER [--candidates N] [--front N] [--seed N]

Chooses the subnets of the supernet in FOLDER that are worth serving, and writes them with their
normalization statistics and accuracies to FOLDER/subnets.json and FOLDER/statistics.bin.

  --candidates N  subnets to try (${buildDefaults.candidates})
  --front N       subnets to keep at most (${buildDefaults.front})
  --seed N        draws the candidates (${buildDefaults.seed})
`;

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { candidates: text, front: text, seed: text, help: { type: 'boolean' } },
  });
  const [directory] = positionals;
  if (values.help === true || directory === undefined || positionals.length !== 1) {
    process.stderr.write(usage);
    process.exitCode = values.help === true ? 0 : 2;
    return;
  }
  const options: BuildOptions = {
    candidates: wholeNumber('candidates', values.candidates, 2),
    front: wholeNumber('front', values.front, 2),
    seed: wholeNumber('seed', values.seed, 0),
  };
  const folder = await readModelFolder(directory);
  await writeBuildResult(folder, await buildModel(folder, options, showProgress()));
  for (const { id, macs, heldOutAccuracy, accuracy } of (await readBuildResult(folder)).subnets) {
    const shares = [heldOutAccuracy, accuracy].map((share) => `${(100 * share).toFixed(2)} %`);
    process.stdout.write(`${id}  ${(macs / 1e6).toFixed(2)} M MACs  held-out ${shares[0]}  test ${shares[1]}\n`);
  }
}

function wholeNumber(name: keyof BuildOptions, given: string | undefined, least: number): number {
  const value = given === undefined ? buildDefaults[name] : Number(given);
  if (Number.isInteger(value) && value >= least) return value;
  throw new Error(`--${name} must be a whole number, ${least} or more`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
