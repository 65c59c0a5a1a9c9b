import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSample } from '@slackline/load';
import { inCheckout } from '@slackline/local';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Contender } from '../contender.js';
import { hasNats } from '../testing/has-nats.js';
import type { PeerFigures } from './checked-loop.js';
import { Connections } from './connections.js';
import { extractSubnets, smallestMiddleLargest } from './fixed-subnets.js';
import { peerKinds, peers } from './index.js';
import { Inference, mostRows } from './inference.js';

const never = new AbortController().signal;

describe('the subnets of peers', () => {
  const subnet = (id: string, accuracy: number) => ({
    id,
    accuracy,
    config: {},
    statistics: [0, 0] as [number, number],
  });
  const ids = (accuracies: readonly number[]) =>
    smallestMiddleLargest(accuracies.map((accuracy, i) => subnet(String(i), accuracy))).map(({ id }) => Number(id));

  test('are the ends and the middle of those that no cheaper one beats', () => {
    expect(ids([0.8, 0.82, 0.84, 0.86, 0.9])).toEqual([0, 2, 4]);
    expect(ids([0.8, 0.7, 0.75, 0.85, 0.9, 0.9])).toEqual([0, 3, 4]);
    expect(ids([0.8, 0.9])).toEqual([0, 1]);
    expect(ids([0.8])).toEqual([0]);
  });

  test('answer rows of a batch as they answer them alone, and are as right as they were measured', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'slackline-peers-test-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const modelDir = inCheckout('models/fashion');
    const [smallest] = await extractSubnets(modelDir, folder);
    const sample = await readSample(modelDir);
    const inference = await Inference.open(smallest?.file ?? '');
    let right = 0;
    const rows = 512;
    for (let first = 0; first < rows; first += mostRows) {
      const batch = Array.from({ length: mostRows }, (_, i) => sample.row(first + i));
      const logits = (await inference.run(batch)).map((bytes) => numbers(bytes));
      logits.forEach((each, i) => {
        if (each.indexOf(Math.max(...each)) === sample.label(first + i)) right++;
      });
      const [alone] = await inference.run(batch.slice(3, 4));
      numbers(alone).forEach((value, i) => {
        expect(value).toBeCloseTo(logits[3]?.[i] ?? Number.NaN, 3);
      });
    }
    expect(Math.abs(right / rows - (smallest?.accuracy ?? 0))).toBeLessThan(0.06);
  });
});

const numbers = (bytes: Uint8Array = new Uint8Array(0)) => [...new Float32Array(bytes.slice().buffer)];

describe('connections', () => {
  /** Answers a body with itself; a first byte of 1 with 500, of 2 never. */
  async function echo(): Promise<URL> {
    const server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const body = Buffer.concat(parts);
        if (body[0] !== 2) response.writeHead(body[0] === 1 ? 500 : 200).end(body);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/infer`);
  }

  test('bring each answer to its request, also of those that had to wait', async () => {
    const connections = await Connections.open(await echo(), 3, Uint8Array.of(0));
    const bodies = Array.from({ length: 40 }, (_, i) => Uint8Array.of(i === 7 ? 1 : 0, i));
    const answers = await Promise.all(
      bodies.map((body) => new Promise<Uint8Array | undefined>((resolve) => connections.post(body, resolve))),
    );
    expect(answers.map((answer) => answer?.[1])).toEqual(bodies.map((body, i) => (i === 7 ? undefined : body[1])));
    await connections.close();
  });

  test('tell of what is broken off that there is no answer', async () => {
    const connections = await Connections.open(await echo(), 1, Uint8Array.of(0));
    const broken = new Promise((resolve) => connections.post(Uint8Array.of(2), resolve));
    await connections.close();
    expect(await broken).toBeUndefined();
  });

  test('to nobody are refused', async () => {
    const url = await echo();
    url.port = '1';
    await expect(Connections.open(url, 2, Uint8Array.of(0))).rejects.toThrow('does not answer');
  });
});

describe.skipIf(!hasNats)('peers', () => {
  let contenders: readonly Contender[] = [];
  beforeAll(async () => {
    contenders = await peers();
  });

  test('are each kind with three subnets', () => {
    expect(contenders).toHaveLength(3 * peerKinds.length);
    expect(new Set(contenders.map(({ name }) => name)).size).toBe(contenders.length);
  });

  test.each(peerKinds)('%s answers every query, by the labels about as often right as measured', async (kind) => {
    const contender = contenders.find(({ name }) => name.startsWith(`${kind} w`));
    const running = await contender?.start({ storage: 'memory', payloadBytes: 784, signal: never });
    if (running === undefined) throw new Error(`there is no ${kind}`);
    onTestFinished(() => running.stop());
    for (const seconds of [1, 0.5]) {
      const figures = (await running.step({ rate: 200, seconds })) as PeerFigures;
      expect(figures).toMatchObject({ sent: 200 * seconds, back: 200 * seconds, duplicates: 0, failed: 0 });
      expect(figures.checked).toBe(Math.round(figures.within36 * figures.sent));
      // Of so few the share that is right varies by a few hundredths; of what is in no time nothing is known.
      if (figures.checked > 50) expect(Math.abs(figures.right / figures.checked - 0.87)).toBeLessThan(0.15);
    }
    const pids = running.pids();
    expect(Object.keys(pids).length).toBeGreaterThan(2);
    await running.stop();
    for (const [name, pid] of Object.entries(pids)) {
      if (name !== 'load') expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    }
  });
});
