/** What an option needs of this machine or of the model, which only a look at them tells. All throw `OptionError`. */
import { stat } from 'node:fs/promises';
import { writableFolder } from '@slackline/local';
import type { ModelEntry } from '@slackline/shared';
import { OptionError } from './errors.js';

/** A model may have hundreds of subnets. */
const MOST_NAMED = 20;

/** @param option with its dashes; nothing is checked without a path */
export async function checkFolder(option: string, path: string | undefined): Promise<void> {
  if (path === undefined) return;
  try {
    await writableFolder(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new OptionError(`${option} takes a folder that can be written, not ${path} (${reason})`, { cause });
  }
}

/** Throws where nothing lies at `path` that could be a model. */
export async function checkModel(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() === true) return;
  const why = found === undefined ? 'does not exist' : 'is no folder';
  throw new OptionError(`--model takes the folder of a model: ${path} ${why}`);
}

/** A scheduler serves models that lack the subnet of `fixed:<subnet>` on their smallest; here there is but one model. */
export function checkPolicy(policy: string, { name, subnets }: ModelEntry): void {
  const [kind, subnet = ''] = policy.split(/:(.*)/s);
  const known = ['smallest', 'largest', ...subnets.map(({ id }) => id)];
  if (kind !== 'fixed' || known.includes(subnet)) return;
  const more = known.length > MOST_NAMED ? `, and ${known.length - MOST_NAMED} more` : '';
  const named = `${known.slice(0, MOST_NAMED).join(', ')}${more}`;
  throw new OptionError(`--policy fixed:<subnet> takes a subnet of ${name} (${named}), not ${subnet}`);
}
