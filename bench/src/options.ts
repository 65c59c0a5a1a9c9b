/** The command line of `npm run bench:bus`. All that can be wrong with it is found before anything is measured. */
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { inCheckout } from '@slackline/local';
import { isPolicyName, lacksSubnet, policyNames } from '@slackline/scheduling';
import { Command, InvalidArgumentError } from 'commander';
import { textOf } from './context.js';
import { defaultDeviceProfile, readTable } from './slackline/settings.js';

/** In the order that they are run in. */
export const parts = ['slackline', 'ceiling', 'overhead', 'cost', 'storage', 'peers', 'trace'] as const;
export type PartName = (typeof parts)[number];
/** The trace takes as long as all others together: it runs where it is named. */
const defaultParts: readonly PartName[] = parts.filter((name) => name !== 'trace');
/** In a minute there is no time for the others. */
const quickParts: readonly PartName[] = ['slackline', 'ceiling', 'overhead', 'cost'];
const defaultMinutes = 10;
const quickMinutes = 1;
/** The trace under the system's own policy, and under fixed subnets. */
const traceMinutes = 20;

export interface Options {
  readonly json: boolean;
  readonly quick: boolean;
  readonly only: readonly PartName[];
  readonly minutes: number;
  /** Folder of the results; undefined: they are not written. */
  readonly out: string | undefined;
  /** Folder with traces that are not part of the repository. */
  readonly data: string;
  readonly deviceProfile: string | undefined;
  readonly policy: string | undefined;
  /** Mean of the trace, in queries a second. Default: what was measured, over 1.5. */
  readonly rate: number | undefined;
}

/**
 * Reads the command line; relative paths are relative to where the command was given.
 * @throws CommanderError for what it cannot read or write to, and for `--help`, after it has said so
 */
export function readOptions(args: readonly string[], env: NodeJS.ProcessEnv): Options {
  const command = new Command('bench:bus')
    .description('What the whole path of a query carries on this machine, and what it costs.')
    .option('--json', 'print the figures as one line, the last of standard output', false)
    .option('--quick', 'a minute instead of ten: does it run? Results are written only with --out', false)
    .option('--only <parts>', `some of ${parts.join(', ')}; default: all but trace`, partNames)
    .option('--minutes <n>', 'the whole run ends within (default: 10; 1 with --quick; 20 with --only trace)', aboveZero)
    .option('--out <folder>', 'where results go (default: results, in the checkout)')
    .option('--data <folder>', 'traces (default: $SLACKLINE_DATA, or ../shared/data beside the checkout)')
    .option('--device-profile <file>', 'latency table of the emulated devices (default: eight V100s)')
    .option('--policy <name>', 'of the scheduler (default: its own)', policyName)
    .option(
      '--rate <qps>',
      'mean rate of the trace (default: the highest rate over 1.5, of this run or in bus.json)',
      aboveZero,
    )
    .exitOverride()
    .parse(args, { from: 'user' });
  const given = command.opts<Partial<Options> & { json: boolean; quick: boolean }>();
  // npm runs scripts at the checkout's root, and says where it was called.
  const from = (path: string) => resolve(env.INIT_CWD ?? '.', path);
  const out = given.quick ? undefined : inCheckout('results');
  const data = given.data ?? env.SLACKLINE_DATA;
  const only = given.only ?? (given.quick ? quickParts : defaultParts);
  const options = {
    ...{ json: given.json, quick: given.quick, only, policy: given.policy, rate: given.rate },
    minutes: given.minutes ?? (given.quick ? quickMinutes : only.includes('trace') ? traceMinutes : defaultMinutes),
    out: given.out === undefined ? out : from(given.out),
    data: data === undefined ? inCheckout('../shared/data') : from(data),
    deviceProfile: given.deviceProfile === undefined ? undefined : from(given.deviceProfile),
  };
  const trouble = env.NATS_URL
    ? 'NATS_URL is set: the bench measures a nats-server of its own'
    : (troubleOf(options.deviceProfile, 'read as a latency table', readTable) ??
      troubleOf(options.out, 'written to', makeFolder) ??
      troubleOfSubnet(options));
  if (trouble !== undefined) command.error(`error: ${trouble}`);
  return options;
}

/** What an option's path is no good for. */
function troubleOf(path: string | undefined, use: string, tried: (path: string) => unknown): string | undefined {
  try {
    if (path !== undefined) tried(path);
  } catch (error) {
    return `${path} cannot be ${use}: ${textOf(error)}`;
  }
  return undefined;
}

function troubleOfSubnet({ policy, deviceProfile = defaultDeviceProfile }: Options): string | undefined {
  const { subnets } = readTable(deviceProfile);
  if (policy === undefined || !lacksSubnet(policy, subnets)) return undefined;
  return `${policy}: the device profile has ${subnets.map(({ id }) => id).join(', ')}`;
}

/** Of which only the last part may be missing: Node never comes back from making folders in some places, such as /proc. */
function makeFolder(path: string): void {
  if (!existsSync(path)) mkdirSync(path);
  accessSync(path, constants.W_OK);
}

function policyName(text: string): string {
  if (!isPolicyName(text)) throw new InvalidArgumentError(`It takes one of ${policyNames.join(', ')}.`);
  return text;
}

function partNames(text: string): PartName[] {
  const names = text.split(',');
  const known = (name: string): name is PartName => (parts as readonly string[]).includes(name);
  if (!names.every(known)) throw new InvalidArgumentError(`It takes some of ${parts.join(', ')}.`);
  return parts.filter((name) => names.includes(name));
}

function aboveZero(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('It takes a number above 0.');
  return value;
}
