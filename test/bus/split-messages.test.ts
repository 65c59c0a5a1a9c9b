/** What a read of the socket brings may end within a message: nobody behind the bus sees a difference. */
import { once } from 'node:events';
import { createServer, connect as dial, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { type Bus, connectBus } from '@slackline/shared';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { withNatsServer } from '../harness/nats-server.js';

const nats = withNatsServer();
const sockets = new Set<Socket>();
let bus: Bus;
let server: ReturnType<typeof createServer>;

/** A way to the broker on which everything that it says comes in pieces of 1 to 13 bytes. */
beforeEach(async () => {
  const { hostname, port } = new URL(nats.url);
  server = createServer({ noDelay: true }, (inner) => {
    const outer = dial(Number(port), hostname);
    for (const socket of [inner, outer]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
    }
    inner.pipe(outer);
    // A connection that ends within a piece ends this too.
    inPieces(outer, inner).catch(() => inner.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a server has a port');
  bus = await connectBus({ url: `nats://127.0.0.1:${address.port}`, name: 'test' });
});
afterEach(async () => {
  await bus.close();
  for (const socket of sockets) socket.destroy();
  server.close();
});

async function inPieces(from: Socket, to: Socket): Promise<void> {
  let size = 0;
  for await (const chunk of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    for (let at = 0; at < chunk.length; at += size) {
      size = (size % 13) + 1;
      if (!to.writable) return;
      to.write(chunk.subarray(at, at + size));
      // It is read before the next piece is there.
      await turn();
    }
  }
}

it('reads messages whole, and always into the same kind of bytes, wherever they are cut', async () => {
  const heard: string[] = [];
  const kinds = new Set<boolean>();
  const all = new Promise<void>((resolve) => {
    bus.subscribe('split', ({ data, headers, reply }) => {
      kinds.add(Buffer.isBuffer(data));
      heard.push(`${Buffer.from(data)} ${headers.get('Name')} ${reply}`);
      if (heard.length === 60) resolve();
    });
  });
  await bus.flush();
  const expected: string[] = [];
  for (let i = 0; i < 60; i++) {
    const body = 'x'.repeat(i);
    const named = i % 2 === 0 ? { headers: { Name: `n${i}` } } : {};
    const replied = i % 3 === 0 ? { reply: `answer.${i}` } : {};
    bus.publish('split', Buffer.from(body), { ...named, ...replied });
    expected.push(`${body} ${i % 2 === 0 ? `n${i}` : undefined} ${i % 3 === 0 ? `answer.${i}` : undefined}`);
  }
  await all;
  expect(heard).toEqual(expected);
  expect([...kinds]).toEqual([true]);
});

it('reads messages of a stream whole, with where they stand in it', async () => {
  await bus.ensureStream({
    ...{ name: 'SPLIT', subjects: ['stored'], retention: 'workqueue', discard: 'new' },
    ...{ storage: 'memory', replicas: 1 },
  });
  for (let i = 1; i <= 10; i++)
    await bus.publishToStream('stored', Buffer.from(`${i}`), { id: `${i}`, timeoutMs: 5_000 });
  const heard: string[] = [];
  const kinds = new Set<boolean>();
  const consumption = await new Promise<Awaited<ReturnType<Bus['consume']>>>((resolve, reject) => {
    const config = { stream: 'SPLIT', name: 'c', ackWaitMs: 60_000, maxAckPending: 100, prefetch: 10 };
    const opened = bus.consume(config, ({ sequence, data }) => {
      kinds.add(Buffer.isBuffer(data));
      heard.push(`${sequence}=${Buffer.from(data)}`);
      if (heard.length === 10) opened.then(resolve, reject);
    });
    opened.catch(reject);
  });
  expect(heard).toEqual(Array.from({ length: 10 }, (_, i) => `${i + 1}=${i + 1}`));
  expect([...kinds]).toEqual([true]);
  await consumption.stop();
});
