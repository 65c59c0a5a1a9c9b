/**
 * Seeds of nkeys in files: `<owner>.nk`, and beside it `<owner>.<anything>.nk` while a key is being replaced. Every key that
 * has a file is let in.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createUser, fromSeed } from 'nkeys.js';
import { writeSecret } from './files.js';

/** Path of the seed that processes of this owner use. */
export function seedFile(folder: string, owner: string): string {
  return join(folder, `${owner}.nk`);
}

/** Public keys of an owner; without any, one is made. Owners' names have no dots. */
export function publicKeys(folder: string, owner: string): string[] {
  const present = readdirSync(folder).filter((name) => name.endsWith('.nk') && name.split('.')[0] === owner);
  if (!present.includes(`${owner}.nk`)) {
    writeSecret(seedFile(folder, owner), `${Buffer.from(createUser().getSeed()).toString()}\n`);
    present.push(`${owner}.nk`);
  }
  return present.sort().map((name) => {
    const seed = readFileSync(join(folder, name), 'utf8').trim();
    return fromSeed(Buffer.from(seed)).getPublicKey();
  });
}
