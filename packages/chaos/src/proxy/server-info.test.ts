import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NatsServer, startNatsServer } from '@slackline/local';
import { connectBus } from '@slackline/shared';
import fc from 'fast-check';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { FaultProxy } from './fault-proxy.js';
import { ServerInfoFilter } from './server-info.js';

const info = (fields: Record<string, unknown>) => `INFO ${JSON.stringify({ server_id: 'S', ...fields })}\r\n`;
const urls = { connect_urls: ['10.0.0.1:4222', '10.0.0.2:4222'], ws_connect_urls: ['10.0.0.1:80'] };

/** What a client hears when the server's bytes come in these pieces. */
function heard(said: Buffer, cutAt: readonly number[] = []): string {
  const filter = new ServerInfoFilter();
  const ends = [...new Set(cutAt.map((at) => at % (said.length + 1)))].sort((a, b) => a - b);
  return Buffer.concat(
    [...ends, said.length].map((end, i) => filter.pass(said.subarray(ends[i - 1] ?? 0, end))),
  ).toString();
}

describe('what a nats-server says, wherever its bytes are cut apart', () => {
  it('comes without other servers, and with everything else', () => {
    // A payload may look like a line of the protocol.
    const payload = info({ ...urls, fake: true });
    const message = `MSG a.b 1 _INBOX.x ${payload.length}\r\n${payload}\r\n`;
    const withHeaders = `HMSG a 2 12 ${12 + payload.length}\r\nNATS/1.0\r\n\r\n${payload}\r\n`;
    const before = [info({ ...urls, max_payload: 5 }), 'PONG\r\n', message, info(urls), withHeaders, '+OK\r\n'].join(
      '',
    );
    const after = [info({ max_payload: 5 }), 'PONG\r\n', message, info({}), withHeaders, '+OK\r\n'].join('');
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 30 }), (cutAt) => {
        expect(heard(Buffer.from(before), cutAt)).toBe(after);
      }),
    );
  });

  it('passes at once and unchanged where it is not NATS, or TLS begins', () => {
    const filter = new ServerInfoFilter();
    expect(String(filter.pass(Buffer.from('IN')))).toBe('');
    expect(String(filter.pass(Buffer.from('TERNAL no line end')))).toBe('INTERNAL no line end');
    const sealed = `${info({ tls_required: true })}\x16\x03 INFO {"connect_urls":[]}\r\nMSG x 1 5`;
    expect(heard(Buffer.from(sealed), [3, 60])).toBe(sealed);
    expect(heard(Buffer.from('INFO {no json}\r\nPING\r\n'))).toBe('INFO {no json}\r\nPING\r\n');
  });
});

describe('before a real nats-server', () => {
  const opened: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const part of opened.splice(0).reverse()) await part.close();
  });
  const open = async <T extends { close(): Promise<void> }>(opening: Promise<T>): Promise<T> => {
    const part = await opening;
    opened.push(part);
    return part;
  };
  const proxyOf = (server: NatsServer) => open(FaultProxy.start({ target: `127.0.0.1:${server.port}` }));

  it('of a cluster, whose clients learn of no other way', async () => {
    const port = await freePort();
    const server = await open(startNatsServer({ configFile: clustered(`listen: "127.0.0.1:${port}"`) }));
    await open(
      startNatsServer({ configFile: clustered(`listen: "127.0.0.1:-1", routes: ["nats://127.0.0.1:${port}"]`) }),
    );
    const proxy = await proxyOf(server);
    // The servers have to find one another first.
    await expect.poll(() => firstWords(server.port), { timeout: 10_000 }).toHaveProperty('connect_urls');
    const words = await firstWords(proxy.port);
    expect(words).toHaveProperty('max_payload');
    expect(words).not.toHaveProperty('connect_urls');
  });

  it('a client talks through it, is cut off, comes back through it, and by no other way', async () => {
    const server = await open(startNatsServer());
    const proxy = await proxyOf(server);
    const through = await open(connectBus({ url: proxy.url, name: 'through' }));
    const direct = await open(connectBus({ url: server.url, name: 'direct' }));
    through.subscribe('echo', ({ reply, data }) => reply !== undefined && through.publish(reply, data));
    const ask = async (text: string) => {
      const { data } = await direct.request('echo', Buffer.from(text), { timeoutMs: 1_000 });
      return Buffer.from(data).toString();
    };
    const status: string[] = [];
    through.onStatus((each) => status.push(each));
    await through.flush();
    expect(await ask('hello')).toBe('hello');
    expect(await ask('x'.repeat(1_000_000))).toHaveLength(1_000_000);

    const heal = proxy.apply({ kind: 'reset' });
    await expect.poll(() => status).toEqual(['disconnected']);
    await expect(ask('anybody?')).rejects.toMatchObject({ code: 'no_responders' });
    heal();
    await expect.poll(() => status, { timeout: 10_000 }).toEqual(['disconnected', 'reconnected']);
    expect(proxy.connections).toBe(1);
    await expect.poll(() => ask('again').catch(() => '')).toBe('again');
  });
});

/** A configuration of one of a cluster's servers; without JetStream, which would wait for the others. */
function clustered(cluster: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'cluster-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'nats.conf');
  writeFileSync(file, `host: $NATS_HOST\nport: $NATS_PORT\ncluster { name: c, ${cluster} }\n`);
  return file;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** What the server says of itself first. */
async function firstWords(port: number): Promise<unknown> {
  const socket = connect(port, '127.0.0.1');
  const line = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
  socket.destroy();
  return JSON.parse(line.toString().slice('INFO '.length));
}
