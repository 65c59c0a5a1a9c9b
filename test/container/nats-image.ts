/**
 * An image made of this machine's nats-server and nothing else, so that container tests need no registry.
 * It is imported through the engine's API: no docker command is needed.
 */
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findNatsBinary } from '@slackline/local';
import { getContainerRuntimeClient } from 'testcontainers';

export const NATS_IMAGE = 'slackline/nats:test';

/** Why there is no container engine to test with; undefined if there is one. */
export async function whyNoEngine(): Promise<string | undefined> {
  if (process.platform !== 'linux')
    return "the image is made of this machine's nats-server, which has to be a Linux program";
  try {
    await getContainerRuntimeClient();
    return undefined;
  } catch (error) {
    return `no Docker engine answers (${error instanceof Error ? error.message : String(error)})`;
  }
}

/** Imports {@link NATS_IMAGE}, in place of an older one. */
export async function importNatsImage(): Promise<void> {
  const { container } = await getContainerRuntimeClient();
  const root = mkdtempSync(join(tmpdir(), 'slackline-image-'));
  try {
    await layOut(root);
    const tar = spawn('tar', ['-C', root, '-c', '.'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [repo = '', tag = ''] = NATS_IMAGE.split(':');
    const changes = ['ENTRYPOINT ["/nats-server"]', 'EXPOSE 4222'];
    const answer = await container.dockerode.importImage(tar.stdout, { repo, tag, changes });
    await new Promise<void>((resolve, reject) => {
      container.dockerode.modem.followProgress(answer, (error) => (error ? reject(error) : resolve()));
    });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** The image's file system: the binary, what it is linked with, and a folder for JetStream. */
async function layOut(root: string): Promise<void> {
  const { path } = await findNatsBinary();
  mkdirSync(join(root, 'tmp'));
  copyFileSync(path, join(root, 'nats-server'));
  for (const library of librariesOf(path)) {
    mkdirSync(join(root, dirname(library)), { recursive: true });
    copyFileSync(library, join(root, library));
  }
}

/** The official binary is static; a distribution's needs its libc and loader. */
function librariesOf(binary: string): string[] {
  try {
    const listed = execFileSync('ldd', [binary], { encoding: 'utf8', stdio: 'pipe' });
    return listed.match(/\/\S+/g) ?? [];
  } catch {
    return [];
  }
}
