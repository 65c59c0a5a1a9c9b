/**
 * Models are data: whatever a network, a spec, a servable or a name says, no file outside of the package is read, and
 * nothing is run. Each attempt is refused with a code, and others are served on.
 */
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ModelEntry, profileKeys, requestReply, submitReply } from '@slackline/shared';
import { type Model, packServable, readModel, writeModel } from '@slackline/supernet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withNatsServer } from '../harness/nats-server.js';
import { filesOf, network, parts } from '../submission/supernet.js';
import { System } from '../submission/system.js';
import { tinyServable } from '../worker/tiny-model.js';

const nats = withNatsServer();
let system: System;
let folder = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slackline-models-'));
  symlinkSync('/etc/passwd', join(folder, 'link'));
  system = await System.create(nats.url);
  await system.profiler();
});
afterAll(async () => {
  await system?.end();
  rmSync(folder, { recursive: true, force: true });
});

/** Places that a model might be made to read from. */
const places = [
  '../../etc/passwd',
  '/etc/passwd',
  'file:///etc/passwd',
  'weights',
  '',
  '\\\\host\\share',
  '/proc/self/environ',
];

const good = network('evil');
const tensor = (file: string) => ({
  type: 'float32' as const,
  dims: [4, 16],
  bytes: new Uint8Array(0),
  external: { file, offset: 0 },
});
const node = (op: string, attributes: Model['graph']['nodes'][number]['attributes'], domain = '') => {
  return { op, domain, name: 'evil', inputs: [], outputs: ['evil'], attributes };
};
const withGraph = (change: Partial<Model['graph']>): Uint8Array =>
  writeModel({ ...good, graph: { ...good.graph, ...change } });
const withInitializer = (file: string) =>
  withGraph({ initializers: new Map([...good.graph.initializers, ['w1', tensor(file)]]) });
const withConstant = (file: string) =>
  withGraph({ nodes: [node('Constant', { value: { kind: 'tensor', value: tensor(file) } }), ...good.graph.nodes] });
const withSubgraph = (file: string) => {
  const inner = { name: 'inner', inputs: [], outputs: [], nodes: [], initializers: new Map([['w', tensor(file)]]) };
  return withGraph({ nodes: [node('If', { then_branch: { kind: 'graph', value: inner } }), ...good.graph.nodes] });
};
/** An operator of ONNX Runtime that loads a compiled model from a file. */
const withContext = (file: string) => {
  const text = (value: string) => ({ kind: 'string' as const, value });
  const attributes = { embed_mode: { kind: 'int' as const, value: 0 }, ep_cache_context: text(file) };
  return withGraph({ nodes: [node('EPContext', attributes, 'com.microsoft'), ...good.graph.nodes] });
};
const ways: [string, (file: string) => Uint8Array][] = [
  ['an initializer', withInitializer],
  ['a constant', withConstant],
  ['a subgraph', withSubgraph],
];

describe('a network', () => {
  it.each(ways)('that names a file in %s is not read', (_, made) => {
    for (const place of places) {
      expect(() => readModel(made(place))).toThrow(expect.objectContaining({ code: 'unsupported-model' }));
    }
  });

  it.each([...ways, ['an operator', withContext] as const])(
    'that names a file in %s is refused when submitted',
    async (_, made) => {
      for (const place of ['../../etc/passwd', join(folder, 'link')]) {
        const submitted = system.submit('evil', { ...parts(), onnx: made(place) });
        const refusal: unknown = await submitted.catch((error: unknown) => error);
        expect(refusal).toMatchObject({ code: expect.stringMatching(/^(unsupported_model|unknown_op)$/) });
      }
      expect(await system.record('evil')).toBeUndefined();
    },
  );
});

describe('a name', () => {
  const names = ['../evil', '..', '/etc/passwd', 'a/b', 'a.b', 'a\0b', '$(reboot)', '`id`', ';id', 'x'.repeat(65), ''];
  const submit = (request: object) => {
    const message = { v: 1 as const, sloMs: 100, options: { quick: true, seed: 1 }, replace: false, ...request };
    return requestReply(system.bus, system.subjects.profiler('submit'), message as { v: 1 }, {
      ...{ kind: 'submit reply', schema: submitReply, timeoutMs: 20_000 },
    });
  };

  it('of a submission is 1 to 64 letters, digits, - or _', async () => {
    const { onnx, spec, images, labels } = filesOf(parts());
    const told = ({ digest, bytes }: { digest: string; bytes: number }) => ({ digest, bytes });
    const files = { onnx: told(onnx), spec: told(spec), images: told(images), labels: told(labels) };
    for (const name of names) {
      await expect(submit({ name, files })).rejects.toMatchObject({
        code: expect.stringMatching(/^(invalid_name|bad_message)$/),
      });
    }
    // Files go by digest: a digest is no path.
    for (const digest of ['../../etc/passwd', '/etc/passwd', 'A'.repeat(64)]) {
      const request = submit({ name: 'evil', files: { ...files, onnx: { digest, bytes: 10 } } });
      await expect(request).rejects.toMatchObject({ code: 'bad_message' });
    }
  });
});

it('a servable that names a file is not hosted, and others are', async () => {
  const publish = async (name: string, onnx?: Uint8Array) => {
    const servable = { ...tinyServable({ name }), ...(onnx !== undefined && { onnx }) };
    const { data, digest } = packServable(servable);
    await system.models.put(digest, data);
    const tensors = (of: typeof servable.inputs) => of as ModelEntry['inputs'];
    const entry: ModelEntry = {
      ...{ v: 1, name, digest, sloMs: 50 },
      ...{ inputs: tensors(servable.inputs), outputs: tensors(servable.outputs) },
      subnets: servable.subnets.map(({ id, accuracy }) => ({ id, accuracy })),
    };
    await system.profiles.put(profileKeys.model(name), Buffer.from(JSON.stringify(entry)));
  };
  for (const [index, [, made]] of ways.entries()) await publish(`evil${index}`, made('/etc/passwd'));
  await publish('fine');
  await system.worker();
  const { models } = await system.statusThat((status) => 'fine' in status.models);
  expect(Object.keys(models)).toEqual(['fine']);
});
