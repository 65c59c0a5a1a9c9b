/** Messages that no client of good will sends: they must cost nobody more than themselves. */
import { type Bus, connectBus, type KeyBucket } from '@slackline/shared';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RawConnection } from '../fuzz/raw-connection.js';
import { withNatsServer } from '../harness/nats-server.js';

const nats = withNatsServer();
const bytes = (text: string) => Buffer.from(text, 'latin1');
let bus: Bus;
let attacker: RawConnection;
let buckets = 0;
beforeEach(async () => {
  bus = await connectBus({ url: nats.url, name: 'test' });
  attacker = await RawConnection.open(nats.url);
});
afterEach(async () => {
  attacker.end();
  await bus.close();
});

describe('a header block', () => {
  /** What reading a header of a message with this block says. */
  const readingOf = async (block: string, name: string): Promise<string | undefined> => {
    const read = new Promise<string | undefined>((resolve) => {
      bus.subscribe('plain', ({ headers }) => {
        resolve(headers.isDamaged ? 'damaged' : headers.get(name));
      });
    });
    await bus.flush();
    attacker.publish('plain', bytes('x'), { headers: bytes(block) });
    return read;
  };

  it.each([
    ['a name with a space', 'NATS/1.0\r\nb d: x\r\nA: 1\r\n\r\n'],
    ['a name beyond ASCII', 'NATS/1.0\r\nb\xe4d: x\r\nA: 1\r\n\r\n'],
    ['a bare line feed in a value', 'NATS/1.0\r\nA: 1\nB: 2\r\n\r\n'],
    ['more lines than any query has', `NATS/1.0\r\n${'A: 1\r\n'.repeat(500)}\r\n`],
    [
      'tens of thousands of names',
      `NATS/1.0\r\n${Array.from({ length: 50_000 }, (_, i) => `h${i}:\r\n`).join('')}\r\n`,
    ],
  ])('with %s says that it cannot be read', async (_, block) => {
    expect(await readingOf(block, 'A')).toBe('damaged');
  });

  it('that is long and well-formed is read', async () => {
    expect(await readingOf(`NATS/1.0\r\nFirst: ${'x'.repeat(5_000)}\r\nA: 1\r\n\r\n`, 'A')).toBe('1');
  });
});

describe('a watch of a bucket goes on after', () => {
  const watched = async (): Promise<{ keys: KeyBucket; name: string; seen: string[] }> => {
    const name = `watched${++buckets}`;
    const keys = await bus.keys(name, { storage: 'memory', replicas: 1 });
    const seen: string[] = [];
    await keys.watch(({ key }) => seen.push(key));
    return { keys, name, seen };
  };

  it.each([
    ['a name that the client refuses', 'NATS/1.0\r\nb d: x\r\n\r\n', 'x'],
    ['a status that only the broker gives', 'NATS/1.0 409 Consumer Deleted\r\n\r\n', ''],
    ['another such status', 'NATS/1.0 400 Bad Request\r\n\r\n', ''],
    ['no header block at all', 'garbage', ''],
  ])('an entry with %s', async (_, block, data) => {
    const { keys, name, seen } = await watched();
    attacker.publish(`$KV.${name}.poisoned`, bytes(data), { headers: bytes(block) });
    await attacker.flush();
    await keys.put('good', bytes('y'));
    await vi.waitFor(() => expect(seen).toEqual(['poisoned', 'good']), { timeout: 10_000 });
  });
});

it('a request is answered after somebody has answered an earlier one with nonsense', async () => {
  bus.subscribe('service', ({ reply }) => {
    if (reply !== undefined) attacker.publish(reply, bytes(''), { headers: bytes('NATS/1.0\r\nb d: x\r\n\r\n') });
  });
  bus.subscribe('other', ({ reply }) => reply !== undefined && bus.publish(reply, bytes('fine')));
  await bus.request('service', bytes(''), { timeoutMs: 5_000 });
  const answer = await bus.request('other', bytes(''), { timeoutMs: 5_000 });
  expect(Buffer.from(answer.data).toString()).toBe('fine');
});
