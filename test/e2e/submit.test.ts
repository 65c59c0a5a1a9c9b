/** `slackline submit` and `slackline models` against a running `slackline up`, as a person would: files, commands, answers. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, type SlacklineClient } from '@slackline/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parts } from '../submission/supernet.js';
import { row } from '../submission/system.js';
import { because, reasonToSkip, Slackline } from './slackline.js';

const limitMs = 180_000;

describe.skipIf(reasonToSkip !== undefined)(`slackline submit${because}`, () => {
  let system: Slackline;
  let natsUrl: string;
  let client: SlacklineClient;
  let files: string[];

  beforeAll(async () => {
    system = await Slackline.start(['up', '--json', '--workers', '2']);
    const line = await system.line(/^\{.*natsUrl/);
    ({ natsUrl } = z.object({ natsUrl: z.string() }).parse(JSON.parse(line)));
    client = await connect({ url: natsUrl });
    files = await write(parts());
  }, 300_000);
  afterAll(async () => {
    await client?.close();
    await system?.cleanUp();
  });

  /** Writes a submission's files, and returns the options that name them. */
  async function write({ onnx, spec, images, labels }: ReturnType<typeof parts>): Promise<string[]> {
    const path = (name: string) => join(system.temporary, name);
    const all = { 'net.onnx': onnx, 'net.json': spec, 'images.npy': images, 'labels.npy': labels };
    for (const [name, bytes] of Object.entries(all)) await writeFile(path(name), bytes);
    const validation = `${path('images.npy')},${path('labels.npy')}`;
    return ['--onnx', path('net.onnx'), '--spec', path('net.json'), '--validation', validation, '--quick'];
  }

  /** Runs a command to its end. */
  async function run(...args: string[]) {
    const command = await Slackline.start([...args, '--nats', natsUrl]);
    try {
      const { code } = await command.exited;
      return { code, stdout: command.stdout, stderr: command.stderr };
    } finally {
      await command.cleanUp();
    }
  }

  it(
    'makes a model that is answered, listed, shown and removed, and nothing is restarted',
    async () => {
      const submitted = await run('submit', 'net', ...files, '--slo-ms', '10000', '--json');
      expect(submitted).toMatchObject({ code: 0 });
      expect(JSON.parse(submitted.stdout.at(-1) ?? '')).toMatchObject({ name: 'net', state: 'published' });
      expect(submitted.stderr.join('\n')).toContain('net is served on infer.net');
      expect(await client.infer('net', row)).toMatchObject({ outcome: 'ok' });

      const again = await run('submit', 'net', ...files, '--slo-ms', '10000', '--json');
      expect(JSON.parse(again.stdout.at(-1) ?? '')).toMatchObject({ name: 'net', state: 'unchanged' });

      const list = await run('models');
      expect(list.stdout.map((line) => line.split(' ')[0])).toEqual(['model', 'fashion', 'net']);
      const shown = await run('models', 'show', 'net', '--svg', join(system.temporary, 'net.svg'));
      expect(shown.stdout.join('\n')).toMatch(/p50\/p99 in ms/);
      expect(await run('models', 'remove', 'net')).toMatchObject({ code: 0, stdout: ['Removed the model net.'] });
      expect(await client.infer('net', row, { sloMs: 500 })).toMatchObject({ code: 'unknown_model' });
      expect(system.stdout).toHaveLength(1);
    },
    limitMs,
  );

  it(
    'that is interrupted leaves the submission running and says how to follow it',
    async () => {
      const command = await Slackline.start(['submit', 'later', ...files, '--nats', natsUrl]);
      try {
        await command.line(/later is accepted/);
        command.signal('SIGINT');
        expect(await command.exited).toEqual({ code: 130, signal: null });
        expect(command.stdout.at(-1)).toContain(`slackline models follow later --nats ${natsUrl}`);
      } finally {
        await command.cleanUp();
      }
      expect(await run('models', 'follow', 'later')).toMatchObject({ code: 0 });
      expect((await run('models', 'list', '--json')).stdout[0]).toContain('"name":"later"');
    },
    limitMs,
  );

  it(
    'refuses in one sentence, with 1',
    async () => {
      await writeFile(join(system.temporary, 'net.onnx'), 'not a network');
      const { code, stderr, stdout } = await run('submit', 'broken', ...files, '--json');
      expect(code).toBe(1);
      expect(stderr.at(-1)).toContain('ONNX');
      expect(JSON.parse(stdout[0] ?? '')).toMatchObject({
        name: 'broken',
        state: 'refused',
        error: { code: 'corrupt_model', message: stderr.at(-1) },
      });
    },
    limitMs,
  );
});
