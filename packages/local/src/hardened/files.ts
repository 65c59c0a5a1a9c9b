/** Files that only their owner may read. */
import { chmodSync, renameSync, writeFileSync } from 'node:fs';

/** Writes a file that nobody else could read at any moment, and that is whole or not there. */
export function writeSecret(path: string, text: string): void {
  const next = `${path}.new`;
  writeFileSync(next, text, { mode: 0o600, flag: 'w' });
  // The mode counts only for a file that was not there.
  chmodSync(next, 0o600);
  renameSync(next, path);
}
