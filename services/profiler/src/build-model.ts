/** `build-model <model folder>`: writes subnets.json and statistics.bin into the folder. docs/profiling.md describes it. */
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { folderSources } from './build/build-model.js';
import { type BuildOutcome, buildInStages } from './build/build-subnets.js';
import { type BuildOptions, defaultFront } from './build/options.js';
import { reportPicture, reportText } from './build/report-text.js';
import { readBuildReport, writeBuildReport, writeBuildResult } from './build/result.js';
import { showProgress } from './build/show-progress.js';
import { readModelFolder } from './stages/read.js';

const usage = `Usage: build-model FOLDER [options]

Searches the supernet in FOLDER for the subnets that are worth serving, and writes them with their
normalization statistics and accuracies to FOLDER/subnets.json and FOLDER/statistics.bin, and what
the search saw to FOLDER/search.json.

  --front N         subnets to keep at most (${defaultFront})
  --fill            keep the next best ones too, until there are as many
  --measurements N  subnets to measure in the search
  --quick           measure less: about a minute instead of a few
  --budget SECONDS  measure no more than fits into this time
  --seed N          draws whatever is left to chance (1)
  --cost WHAT       what is held low: latency (on this machine, the default) or macs
  --retime          fit the latency predictor anew, even if search.json has one
  --compare SEEDS   also measure as many subnets drawn uniformly, for so many seeds: takes long
  --report DIR      write DIR/search-NAME.md and .svg
`;

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      ...{ front: text, fill: flag, measurements: text, quick: flag, budget: text },
      ...{ seed: text, cost: text, retime: flag, help: flag },
      ...{ compare: text, report: text },
    },
  });
  const [directory] = positionals;
  if (values.help === true || directory === undefined || positionals.length !== 1) {
    process.stderr.write(usage);
    process.exitCode = values.help === true ? 0 : 2;
    return;
  }
  const budgetSeconds = wholeNumber('budget', values.budget, 1);
  const folder = await readModelFolder(directory);
  const options: BuildOptions = {
    seed: wholeNumber('seed', values.seed, 0) ?? 1,
    front: wholeNumber('front', values.front, 2),
    fill: values.fill,
    measurements: wholeNumber('measurements', values.measurements, 2),
    quick: values.quick,
    budgetMs: budgetSeconds === undefined ? undefined : 1_000 * budgetSeconds,
    cost: costOf(values.cost),
    latency: values.retime === true ? undefined : (await readBuildReport(folder))?.latency,
  };
  const seeds = wholeNumber('compare', values.compare, 1) ?? 0;
  let last: BuildOutcome | undefined;
  // Written after every stage: a comparison takes long, and what was found before stands.
  for await (const outcome of buildInStages(await folderSources(folder), options, seeds, showProgress())) {
    if (last === undefined) await writeBuildResult(folder, outcome);
    await writeBuildReport(folder, outcome.report);
    if (values.report !== undefined) await writeReport(values.report, folder.manifest.name, outcome);
    last = outcome;
  }
  if (last !== undefined) process.stdout.write(summary(last));
}

async function writeReport(directory: string, model: string, outcome: BuildOutcome): Promise<void> {
  const picture = `search-${model}.svg`;
  const machine = `${availableParallelism()} cores of ${cpus()[0]?.model ?? 'an unknown processor'}`;
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, picture), reportPicture(model, outcome));
  await writeFile(join(directory, `search-${model}.md`), reportText(model, outcome, picture, machine));
}

function summary({ subnets, report }: BuildOutcome): string {
  const { latency, accuracy, work, measured, survivors } = report;
  const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
  const rows = subnets.map(({ id, macs, latencyMs, heldOutAccuracy, accuracy: published }) => {
    const cost = latencyMs === undefined ? '' : `${latencyMs.toFixed(3)} ms  `;
    return `${id}  ${cost}${(macs / 1e6).toFixed(2)} M MACs  held-out ${percent(heldOutAccuracy)}  test ${percent(published)}`;
  });
  const { crossValidated } = accuracy;
  const said = [
    `measured ${measured.length} of ${report.configurations} configurations, ${survivors.length} of them in full`,
    ...(latency === undefined
      ? []
      : [`latency predictor: ${percent(latency.error.mape)} off, tau ${latency.error.tau.toFixed(2)}`]),
    ...(crossValidated === undefined
      ? []
      : [
          `accuracy predictor: ${(100 * crossValidated.mae).toFixed(2)} points off, tau ${crossValidated.tau.toFixed(2)}`,
        ]),
    `hypervolume ${report.hypervolume.toFixed(4)}`,
    ...(report.comparison ?? []).map(({ seed, search, uniform }) => {
      const [own, other] = [search, uniform].map(
        ({ heldOut, test }) => `${heldOut.toFixed(4)} (test ${test.toFixed(4)})`,
      );
      return `seed ${seed}: search ${own}, uniform ${other}`;
    }),
    `${work.forwardRows} rows, ${work.wallSeconds} s on ${work.threads} threads, ${work.cpuSeconds} s of processor time`,
  ];
  return `${[...rows, ...said].join('\n')}\n`;
}

function costOf(given: string | undefined): 'latency' | 'macs' | undefined {
  if (given === undefined || given === 'latency' || given === 'macs') return given;
  throw new Error('--cost must be latency or macs');
}

function wholeNumber(name: string, given: string | undefined, least: number): number | undefined {
  if (given === undefined) return undefined;
  const value = Number(given);
  if (Number.isInteger(value) && value >= least) return value;
  throw new Error(`--${name} must be a whole number, ${least} or more`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
