/**
 * npm run fuzz -- [--inputs 5000] [--seed 1] [--door part-of-a-name] [--max-payload bytes] [--json] [--write results/fuzz.md]
 * npm run fuzz -- --replay SEED:FROM-TO [--door …]
 *
 * Throws seeded garbage at every door of a system of its own and prints what became of it. Exit code 1 when anything failed.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type CampaignOptions, runCampaign } from './campaign.js';
import { markdown } from './report.js';

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '5000' },
    seed: { type: 'string', default: '1' },
    door: { type: 'string' },
    replay: { type: 'string' },
    'max-payload': { type: 'string' },
    json: { type: 'boolean', default: false },
    write: { type: 'string' },
  },
});

function whole(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  console.error(`--${name} takes a whole number, not ${text}`);
  process.exit(2);
}

/** What is to be sent: a campaign from its beginning, or a window of an earlier one. */
function extent(): Pick<CampaignOptions, 'seed' | 'inputs' | 'from'> {
  if (values.replay === undefined) return { seed: whole('seed', values.seed), inputs: whole('inputs', values.inputs) };
  const [, seed = '', from = '', to = from] = /^(\d+):(\d+)(?:-(\d+))?$/.exec(values.replay) ?? [];
  const first = whole('replay', from);
  return { seed: whole('replay', seed), from: first, inputs: whole('replay', to) - first + 1 };
}

const { door, 'max-payload': maxPayload } = values;
const report = await runCampaign({
  ...extent(),
  ...(door !== undefined && { door }),
  ...(maxPayload !== undefined && { maxPayloadBytes: whole('max-payload', maxPayload) }),
  onProgress: (text) => console.error(text),
});
const command = `npm run fuzz -- --inputs ${report.inputs} --seed ${report.seed}`;
if (values.write !== undefined) writeFileSync(values.write, `# Fuzzing\n\n\`${command}\`: ${markdown(report)}`);
console.log(values.json ? JSON.stringify(report, undefined, 2) : markdown(report));
process.exitCode = report.failures.length === 0 ? 0 : 1;
