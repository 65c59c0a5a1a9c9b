/** The services' image, laid out as infra/images/Dockerfile does and given what that says, but built without a registry. */
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inCheckout } from '@slackline/local';
import { getContainerRuntimeClient } from 'testcontainers';

export const SERVICES_IMAGE = 'slackline/services:test';

/** Imports {@link SERVICES_IMAGE}, in place of an older one. */
export async function importServicesImage(): Promise<void> {
  const { container } = await getContainerRuntimeClient();
  const root = mkdtempSync(join(tmpdir(), 'slackline-image-'));
  try {
    await promisify(execFile)(process.execPath, [inCheckout('infra/images/lay-out.mjs'), root]);
    const owner = ['--owner=0', '--group=0'];
    const tar = spawn('tar', ['-C', root, ...owner, '-c', '.'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [repo = '', tag = ''] = SERVICES_IMAGE.split(':');
    const answer = await container.dockerode.importImage(tar.stdout, { repo, tag, changes: instructions() });
    await new Promise<void>((resolve, reject) => {
      container.dockerode.modem.followProgress(answer, (error) => (error ? reject(error) : resolve()));
    });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** What the Dockerfile says of the image beside its files. */
function instructions(): string[] {
  const [, last = ''] = readFileSync(inCheckout('infra/images/Dockerfile'), 'utf8').split('FROM scratch\n');
  return last.split('\n').filter((line) => /^(USER|WORKDIR|ENV|ENTRYPOINT|CMD) /.test(line));
}
