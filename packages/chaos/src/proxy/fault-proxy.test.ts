import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { Cut } from '../target/target.js';
import { FaultProxy } from './fault-proxy.js';

const opened: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

describe('a proxy that nothing is done to', () => {
  it('passes every byte of both directions in order, whatever the pieces, and the end', async () => {
    const { proxy } = await echoing();
    const pieces = fc.array(fc.uint8Array({ maxLength: 20_000 }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(pieces, async (sent) => {
        const client = await connected(proxy);
        const heard = all(client);
        for (const piece of sent) client.write(piece);
        client.end();
        expect(Buffer.concat(sent).equals(await heard)).toBe(true);
      }),
      { numRuns: 25 },
    );
    await expect.poll(() => proxy.connections).toBe(0);
  });

  it('passes a reset on as a reset, in both directions', async () => {
    const { proxy, upstreams } = await echoing();
    const [one, other] = [await connected(proxy), await connected(proxy)];
    await expect.poll(() => upstreams.length).toBe(2);
    one.resetAndDestroy();
    const [error] = await once(upstreams[0] ?? one, 'error');
    expect(error).toMatchObject({ code: 'ECONNRESET' });
    upstreams[1]?.resetAndDestroy();
    expect((await once(other, 'error'))[0]).toMatchObject({ code: 'ECONNRESET' });
  });

  it('resets whoever comes while there is nobody behind it, and serves whoever comes later', async () => {
    const { proxy, server } = await echoing();
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    const early = connect(proxy.port, '127.0.0.1');
    expect((await once(early, 'error'))[0]).toMatchObject({ code: 'ECONNRESET' });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    const late = await connected(proxy);
    late.write('hello');
    expect(String((await once(late, 'data'))[0])).toBe('hello');
  });

  it('stops reading from whoever sends more than is taken', async () => {
    const server = await listening((socket) => void socket.pause());
    const proxy = await proxyOf(server);
    const client = await connected(proxy);
    // More than all buffers on the way hold together.
    const chunk = Buffer.alloc(1024 * 1024);
    let sent = 0;
    for (; sent < 256; sent++) {
      if (!client.write(chunk)) {
        const drained = await Promise.race([once(client, 'drain').then(() => true), quietFor(client)]);
        if (!drained) break;
      }
    }
    expect(sent).toBeLessThan(256);
  });

  it('listens on the loopback only', async () => {
    const { proxy } = await echoing();
    expect(proxy.url).toBe(`nats://127.0.0.1:${proxy.port}`);
    await expect(FaultProxy.start({ target: 'localhost' })).rejects.toThrow('host:port');
  });
});

describe('delay', () => {
  it('holds bytes back, keeps their order, and lets them go when it is healed', async () => {
    const { proxy } = await echoing();
    const client = await connected(proxy);
    const heal = proxy.apply({ kind: 'delay', delayMs: 60_000 });
    const heard = all(client);
    client.write('one, ');
    await expect.poll(() => client.bytesWritten).toBe(5);
    const other = proxy.apply({ kind: 'delay', delayMs: 30_000 });
    client.write('two, ');
    other();
    heal();
    client.end('three');
    expect(String(await heard)).toBe('one, two, three');
  });

  it('is served in time, both ways', async () => {
    const { proxy } = await echoing();
    const heal = proxy.apply({ kind: 'delay', delayMs: 30 });
    const client = await connected(proxy);
    const begunMs = performance.now();
    client.write('late');
    await once(client, 'data');
    // Timers fire no earlier than asked for, to a millisecond.
    expect(performance.now() - begunMs).toBeGreaterThan(58);
    heal();
  });

  it('holds only so much back: the sender waits', async () => {
    let taken = 0;
    let hasAll: () => void = () => {};
    const ended = new Promise<void>((resolve) => {
      hasAll = resolve;
    });
    const server = await listening((socket) => {
      socket.on('data', ({ length }) => {
        taken += length;
      });
      socket.on('end', hasAll);
    });
    const proxy = await proxyOf(server);
    const client = await connected(proxy);
    const heal = proxy.apply({ kind: 'delay', delayMs: 60_000 });
    const total = 64 * 1024 * 1024;
    client.end(Buffer.alloc(total));
    await quietFor(client);
    expect(client.writableLength).toBeGreaterThan(0);
    heal();
    await ended;
    expect(taken).toBe(total);
  });
});

describe.each<[string, Cut, { toServer: boolean; toClient: boolean }]>([
  ['drop', { kind: 'drop' }, { toServer: false, toClient: false }],
  ['half-open, deaf', { kind: 'half-open', silent: 'in' }, { toServer: true, toClient: false }],
  ['half-open, mute', { kind: 'half-open', silent: 'out' }, { toServer: false, toClient: true }],
])('%s', (_name, cut, arrives) => {
  it('lets bytes vanish, keeps the connection, and resets it when the line is whole again', async () => {
    const { proxy, upstreams } = await greeting();
    const client = await connected(proxy);
    await expect.poll(() => upstreams.length).toBe(1);
    const [upstream] = upstreams;
    if (upstream === undefined) throw new Error('no connection came through');
    const [atServer, atClient] = [collect(upstream), collect(client)];

    const heal = proxy.apply(cut);
    client.write('to the server');
    upstream.write('to the client');
    const seen = () => ({ toServer: atServer.text() !== '', toClient: atClient.text() !== '' });
    if (arrives.toServer || arrives.toClient) await expect.poll(seen).toEqual(arrives);
    else await quietFor(client);
    expect(seen()).toEqual(arrives);
    expect([client.destroyed, upstream.destroyed]).toEqual([false, false]);

    const ends = [once(client, 'error'), once(upstream, 'error')];
    heal();
    for (const [error] of await Promise.all(ends)) expect(error).toMatchObject({ code: 'ECONNRESET' });
    expect(seen()).toEqual(arrives);
    await expect.poll(() => proxy.connections).toBe(0);
  });

  it('is done to connections made meanwhile, until the last of several cuts is healed', async () => {
    const { proxy } = await echoing();
    const heals = [proxy.apply(cut), proxy.apply(cut)];
    const during = await connected(proxy);
    const heard = collect(during);
    during.write('hello?');
    await quietFor(during);
    expect(heard.text()).toBe('');

    const isReset = once(during, 'error');
    heals[0]?.();
    heals[0]?.();
    expect(await quietFor(during)).toBe(false);
    heals[1]?.();
    expect((await isReset)[0]).toMatchObject({ code: 'ECONNRESET' });

    const after = await connected(proxy);
    after.write('hello');
    expect(String((await once(after, 'data'))[0])).toBe('hello');
  });
});

describe('reset', () => {
  it('resets the connections there are, and every new one until it is healed', async () => {
    const { proxy } = await echoing();
    const before = await connected(proxy);
    const ended = once(before, 'error');
    const heal = proxy.apply({ kind: 'reset' });
    expect((await ended)[0]).toMatchObject({ code: 'ECONNRESET' });
    for (let i = 0; i < 2; i++) {
      const during = connect(proxy.port, '127.0.0.1');
      expect((await once(during, 'error'))[0]).toMatchObject({ code: 'ECONNRESET' });
    }
    heal();
    const after = await connected(proxy);
    after.write('hello');
    expect(String((await once(after, 'data'))[0])).toBe('hello');
  });
});

it('leaves nothing when it is closed in the midst of faults', async () => {
  const { proxy, upstreams } = await echoing();
  const clients = await Promise.all([connected(proxy), connected(proxy), connected(proxy)]);
  proxy.apply({ kind: 'delay', delayMs: 60_000 });
  for (const client of clients) client.write('never arrives');
  proxy.apply({ kind: 'half-open', silent: 'in' });
  clients.push(await connected(proxy));
  await expect.poll(() => upstreams.length).toBe(4);
  const ended = [...clients, ...upstreams].map((socket) => untilClosed(socket));
  await Promise.all([proxy.close(), proxy.close()]);
  await Promise.all(ended);
  expect(proxy.connections).toBe(0);
});

async function listening(onConnection: (socket: Socket) => void): Promise<Server> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket.on('error', () => undefined));
    onConnection(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  opened.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return server;
}

async function proxyOf(server: Server): Promise<FaultProxy> {
  const proxy = await FaultProxy.start({ target: `127.0.0.1:${(server.address() as AddressInfo).port}` });
  opened.push(() => proxy.close());
  return proxy;
}

/** A server that sends back what it hears. */
async function echoing() {
  const upstreams: Socket[] = [];
  const server = await listening((socket) => {
    upstreams.push(socket);
    socket.pipe(socket);
  });
  return { server, upstreams, proxy: await proxyOf(server) };
}

/** A server whose words are the test's. */
async function greeting() {
  const upstreams: Socket[] = [];
  const server = await listening((socket) => void upstreams.push(socket));
  return { upstreams, proxy: await proxyOf(server) };
}

async function connected(proxy: FaultProxy): Promise<Socket> {
  const socket = connect({ port: proxy.port, host: '127.0.0.1', noDelay: true });
  opened.push(() => socket.destroy());
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  return socket;
}

async function all(socket: Socket): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of socket) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

function collect(socket: Socket): { text(): string } {
  const pieces: Buffer[] = [];
  socket.on('data', (piece: Buffer) => pieces.push(piece));
  return { text: () => String(Buffer.concat(pieces)) };
}

/** False after a while in which nothing more was sent or heard: what should not come has no event to wait for. */
async function quietFor(socket: Socket): Promise<false> {
  for (let [last, quiet] = ['', 0]; quiet < 10; quiet += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    const now = `${socket.bytesRead} ${socket.writableLength} ${socket.destroyed}`;
    if (now !== last) [last, quiet] = [now, 0];
  }
  return false;
}

/** `once` of node:events rejects at an error, which comes before. */
function untilClosed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  });
}
