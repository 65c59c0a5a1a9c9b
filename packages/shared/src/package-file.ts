/** Files that a model's folder names: models are data, and may come from anybody. */
import { realpath } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { SlacklineError } from './errors.js';

/**
 * Absolute path of the file `name` of `folder`, with links followed. Throws `invalid_model` where it lies outside of
 * `within`, by its name or by a link, or cannot be read.
 */
export async function packageFile(folder: string, name: string, within = folder): Promise<string> {
  const path = join(folder, name);
  if (isAbsolute(name) || name.includes('\0') || !isInside(resolve(within), resolve(path))) throw outside(folder, name);
  const [root, real] = await Promise.all([realpath(within), realpath(path)]).catch((cause: unknown) => {
    throw new SlacklineError('invalid_model', `${path} cannot be read`, { cause });
  });
  if (!isInside(root, real)) throw outside(folder, name);
  return real;
}

function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function outside(folder: string, name: string): SlacklineError {
  return new SlacklineError('invalid_model', `${folder} names ${JSON.stringify(name)}, which is no file of it`);
}
