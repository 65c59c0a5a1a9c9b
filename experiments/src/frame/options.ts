/** The command line of `npm run experiments`. */
import { resolve } from 'node:path';
import { inCheckout } from '@slackline/local';
import { Command, InvalidArgumentError } from 'commander';

export interface Options {
  /** Figures to run, in this order; empty: all. */
  readonly names: readonly string[];
  readonly list: boolean;
  readonly json: boolean;
  readonly quick: boolean;
  readonly live: boolean;
  /** Folder that reports are written into; undefined: they are not written. */
  readonly out: string | undefined;
  /** Folder with traces and profiles that are not part of the repository. */
  readonly data: string;
  readonly seed: number;
  /** Simulations at a time. */
  readonly threads: number;
}

/**
 * Reads the command line; relative paths are relative to where the command was given.
 * @throws CommanderError for what it cannot read, and for `--help`, after it has said so
 */
export function readOptions(args: readonly string[], env: NodeJS.ProcessEnv): Options {
  const command = new Command('experiments')
    .usage('[options] [figure…]')
    .description("Re-tests the papers' figures. Without a name: all of them.")
    .argument('[figure...]', 'names of figures (--list)')
    .option('--list', 'name the figures and what they show', false)
    .option('--json', 'print the figures as one document, as the last line of standard output', false)
    .option('--quick', 'tiny settings, to try that everything runs; reports are written only with --out', false)
    .option('--no-live', 'leave out what starts real processes')
    .option('--out <folder>', 'where reports go (default: results, in the checkout)')
    .option('--data <folder>', 'traces and profiles (default: $SLACKLINE_DATA, or ../shared/data beside the checkout)')
    .option('--seed <number>', 'everything random derives from it', wholeNumber, 1)
    .option('--threads <number>', 'simulations at a time; 0: none but the main thread', wholeNumber, 2)
    .exitOverride()
    .parse(args, { from: 'user' });
  const given = command.opts<{
    list: boolean;
    json: boolean;
    quick: boolean;
    live: boolean;
    out?: string;
    data?: string;
    seed: number;
    threads: number;
  }>();
  // npm runs scripts at the checkout's root, and says where it was called.
  const from = (path: string) => resolve(env.INIT_CWD ?? '.', path);
  const data = given.data ?? env.SLACKLINE_DATA;
  const out = given.quick ? undefined : inCheckout('results');
  return {
    ...given,
    names: command.args,
    out: given.out === undefined ? out : from(given.out),
    data: data === undefined ? inCheckout('../shared/data') : from(data),
  };
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('It takes a whole number, 0 or more.');
  return value;
}
