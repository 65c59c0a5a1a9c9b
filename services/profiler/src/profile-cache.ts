/** Latency profiles between runs: one readable JSON file for each model and device class. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type LatencyProfile, type Log, latencyProfile } from '@slackline/shared';
import { jsonText } from './json-text.js';

export class ProfileCache {
  /** @param directory is created when the first profile is kept */
  constructor(
    private readonly directory: string,
    private readonly log: Log,
  ) {}

  /** The profile that was kept, or undefined; a file that is no profile counts as none. */
  async read(model: string, deviceClass: string): Promise<LatencyProfile | undefined> {
    const path = this.#path(model, deviceClass);
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text === undefined) return undefined;
    try {
      return latencyProfile.parse(JSON.parse(text));
    } catch (error) {
      this.log.warn({ path, err: error }, 'ignored a file that is no latency profile');
      return undefined;
    }
  }

  /** Keeps a profile; a reader sees the old file or the new one, never a part. */
  async write(profile: LatencyProfile): Promise<void> {
    const path = this.#path(profile.model, profile.deviceClass);
    await mkdir(this.directory, { recursive: true });
    await writeFile(`${path}.partial`, `${jsonText(profile)}\n`);
    await rename(`${path}.partial`, path);
  }

  #path(model: string, deviceClass: string): string {
    return join(this.directory, `${model}.${deviceClass}.json`);
  }
}
