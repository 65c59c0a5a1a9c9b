import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bus, connectBus } from '@slackline/shared';
import { afterEach, describe, expect, it } from 'vitest';
import { type NatsServer, type NatsServerOptions, startNatsServer } from './nats-server.js';

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const part of opened.splice(0).reverse()) await part.close();
});

describe('startNatsServer', () => {
  it('is ready when it resolves, with JetStream and the payload limit asked for', async () => {
    const server = await start({ maxPayloadBytes: 3_000_000 });
    const bus = await connect(server);
    expect(bus.maxPayloadBytes).toBe(3_000_000);
    expect(await storeOne(bus)).toBe(1);
  });

  it('gives each server a port of its own', async () => {
    const [one, other] = await Promise.all([start(), start()]);
    expect(one.port).not.toBe(other.port);
  });

  it.each(['stop', 'kill'] as const)('comes back after %s on the same port, with what was stored', async (end) => {
    const server = await start();
    const { url } = server;
    expect(await storeOne(await connect(server))).toBe(1);

    await server[end]();
    await expect(connectBus({ url, name: 'test', timeoutMs: 100 })).rejects.toMatchObject({ code: 'nats_unreachable' });
    await server.restart();

    expect(server.url).toBe(url);
    expect(await storeOne(await connect(server))).toBe(2);
  });

  it('removes a temporary store at the end, and keeps one that was given', async () => {
    const given = mkdtempSync(join(tmpdir(), 'slackline-given-'));
    opened.push({ close: async () => rmSync(given, { recursive: true }) });
    const [temporary, lasting] = await Promise.all([start(), start({ storeDir: given })]);
    expect(existsSync(temporary.storeDir)).toBe(true);

    await Promise.all([temporary.close(), lasting.close()]);
    expect(existsSync(temporary.storeDir)).toBe(false);
    expect(existsSync(given)).toBe(true);
  });

  it('ends even if it is paused', async () => {
    const server = await start();
    server.signal('SIGSTOP');
    await server.stop();
    // Ended by itself: a SIGKILL would show as the signal.
    expect(await server.exited).toMatchObject({ signal: null });
  });

  it('tells why it cannot start, and leaves nothing', async () => {
    const first = await start();
    const failure: unknown = await startNatsServer({ port: first.port }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'service_failed' });
    expect(String(failure)).toContain('address already in use');
  });
});

async function start(options: NatsServerOptions = {}): Promise<NatsServer> {
  const server = await startNatsServer(options);
  opened.push(server);
  return server;
}

async function connect(server: NatsServer): Promise<Bus> {
  const bus = await connectBus({ url: server.url, name: 'test' });
  opened.push(bus);
  return bus;
}

/** Stores a message and returns its sequence: how many the stream has ever held. */
async function storeOne(bus: Bus): Promise<number> {
  await bus.ensureStream({
    name: 'KEPT',
    subjects: ['kept'],
    retention: 'limits',
    discard: 'old',
    storage: 'file',
    replicas: 1,
  });
  const id = `${process.pid}-${performance.now()}`;
  return (await bus.publishToStream('kept', new Uint8Array(1), { id, timeoutMs: 5_000 })).sequence;
}
