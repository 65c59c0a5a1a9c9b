/** Folders that a system writes into. */
import { mkdir, mkdtemp, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Creates a folder with its parents, and makes sure that files can be written into it.
 * @throws the error of the file system: EACCES, ENOTDIR, EROFS …
 */
export async function writableFolder(path: string): Promise<void> {
  await create(path);
  // Permissions alone do not tell: root has them all, also where nothing can be written.
  await rmdir(await mkdtemp(join(path, '.slackline-')));
}

/** One folder at a time: with `recursive`, Node 20 never returns from a file system that refuses, such as /proc. */
async function create(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return;
  const parent = dirname(path);
  if (found === undefined && parent !== path) await create(parent);
  await mkdir(path).catch((error: NodeJS.ErrnoException) => {
    // Someone else was faster; or it is a file, which the next step says.
    if (error.code !== 'EEXIST') throw error;
  });
}
