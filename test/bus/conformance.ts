/** What any adapter behind the Bus must do. Run against every broker that can be had: spawned, in a container. */
import { type Bus, type BusMessage, connectBus, hasCode, type StreamMessage, type StreamWord } from '@slackline/shared';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../fuzz/random.js';

const text = (value: string) => new TextEncoder().encode(value);
const read = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Collects what a callback is given; `count(n)` resolves with the first n. */
function collector<T>() {
  const items: T[] = [];
  let waiting: { count: number; resolve: (items: T[]) => void } | undefined;
  return {
    push(item: T) {
      items.push(item);
      if (waiting !== undefined && items.length >= waiting.count) waiting.resolve([...items]);
    },
    count: (count: number) =>
      items.length >= count
        ? Promise.resolve([...items])
        : new Promise<T[]>((resolve) => {
            waiting = { count, resolve };
          }),
  };
}

export function describeBus(name: string, start: () => Promise<{ url: string; stop(): Promise<void> }>): void {
  describe(`the bus on ${name}`, () => {
    let server: { url: string; stop(): Promise<void> };
    let bus: Bus;
    let unique = 0;
    const fresh = (what: string) => `${what}${++unique}`;

    const newStream = async (options: { maxMessages?: number; retention?: 'workqueue' | 'limits' } = {}) => {
      const stream = fresh('STREAM');
      await bus.ensureStream({
        name: stream,
        subjects: [`${stream}.>`],
        retention: options.retention ?? 'workqueue',
        discard: 'new',
        storage: 'memory',
        replicas: 1,
        ...(options.maxMessages !== undefined && {
          maxMessages: options.maxMessages,
        }),
      });
      return stream;
    };
    const store = (stream: string, id: string) =>
      bus.publishToStream(`${stream}.a`, text(id), {
        id,
        timeoutMs: 2_000,
        headers: { Colour: 'red' },
      });
    const consume = (stream: string, consumer: string, handler: (message: StreamMessage) => void) =>
      bus.consume(
        {
          stream,
          name: consumer,
          ackWaitMs: 60_000,
          maxAckPending: 1_000,
          prefetch: 100,
        },
        handler,
      );

    beforeAll(async () => {
      server = await start();
      bus = await connectBus({ url: server.url, name: 'conformance' });
    });
    afterAll(async () => {
      await bus?.close();
      await server?.stop();
    });

    it('carries subject, headers, reply and bytes', async () => {
      const subject = fresh('core');
      const got = collector<[string, string | undefined, string | undefined, string | undefined, string]>();
      const subscription = bus.subscribe(subject, (m) =>
        got.push([m.subject, m.reply, m.headers.get('Colour'), m.headers.get('Absent'), read(m.data)]),
      );
      bus.publish(subject, text('hello'), {
        headers: { Colour: 'red' },
        reply: 'answer.here',
      });
      expect(await got.count(1)).toEqual([[subject, 'answer.here', 'red', undefined, 'hello']]);
      await subscription.drain();
    });

    it('knows no reply subject where a message was published without one', async () => {
      const subject = fresh('subject');
      const heard = collector<string | undefined>();
      const subscription = bus.subscribe(subject, ({ reply }) => heard.push(reply));
      bus.publish(subject, text('x'));
      bus.publish(subject, text('x'), { headers: { Colour: 'red' } });
      expect(await heard.count(2)).toEqual([undefined, undefined]);
      await subscription.drain();
    });

    it('shares the messages of a queue group and answers requests', async () => {
      const subject = fresh('queue');
      let handled = 0;
      const answer = (m: { reply: string | undefined }) => {
        handled += 1;
        if (m.reply !== undefined) bus.publish(m.reply, text('done'));
      };
      const members = [1, 2].map(() => bus.subscribe(subject, answer, { queue: 'q' }));
      for (let i = 0; i < 10; i += 1) {
        expect(read((await bus.request(subject, text('do'), { timeoutMs: 2_000 })).data)).toBe('done');
      }
      expect(handled).toBe(10);
      await Promise.all(members.map((member) => member.drain()));
    });

    it('tells a request that nobody listens', async () => {
      const call = bus.request(fresh('nobody'), text(''), { timeoutMs: 2_000 });
      await expect(call).rejects.toSatisfy((error) => hasCode(error, 'no_responders'));
    });

    it('stores a message once per id and counts sequences', async () => {
      const stream = await newStream();
      expect(await store(stream, 'one')).toEqual({
        sequence: 1,
        duplicate: false,
      });
      expect(await store(stream, 'one')).toEqual({
        sequence: 1,
        duplicate: true,
      });
      expect(await store(stream, 'two')).toEqual({
        sequence: 2,
        duplicate: false,
      });
      expect(await bus.streamState(stream)).toMatchObject({
        messages: 2,
        lastSequence: 2,
      });
    });

    it('refuses what a full stream cannot hold', async () => {
      const stream = await newStream({ maxMessages: 2 });
      await store(stream, 'one');
      await store(stream, 'two');
      await expect(store(stream, 'three')).rejects.toSatisfy((error) => hasCode(error, 'stream_full'));
      expect((await bus.streamState(stream)).lastSequence).toBe(2);
    });

    it('delivers with sequence, timestamp and headers, and forgets what is acked', async () => {
      const stream = await newStream();
      const clock = await newStream({ retention: 'limits' });
      const before = await bus.readClock(clock, `${clock}.t`);
      await store(stream, 'one');
      const after = await bus.readClock(clock, `${clock}.t`);
      const got = collector<StreamMessage>();
      const consumption = await consume(stream, 'c', (m) => got.push(m));
      const [message] = await got.count(1);
      expect(message).toMatchObject({ sequence: 1, subject: `${stream}.a` });
      expect(message?.headers.get('Colour')).toBe('red');
      expect(message?.timestampMs).toBeGreaterThanOrEqual(before.brokerMs);
      expect(message?.timestampMs).toBeLessThanOrEqual(after.brokerMs);
      expect((await bus.streamState(stream)).messages).toBe(1);
      message?.ack();
      await bus.flush();
      // An ack is not confirmed; the next stored message's round trip lies behind it.
      await expect.poll(async () => (await bus.streamState(stream)).messages).toBe(0);
      await consumption.stop();
    });

    it('publishes many to a stream and tells what became of each by its token', async () => {
      const stream = await newStream({ maxMessages: 2 });
      const words = collector<[token: number, word: StreamWord]>();
      const publisher = bus.streamPublisher({ said: (token, word) => words.push([token, word]), denied: () => {} });
      const send = (token: number, id: string, subject = `${stream}.a`) =>
        publisher.send(subject, text(id), { id, token, headers: { Colour: 'red' } });
      send(0, 'a');
      send(35, 'b');
      send(36, 'a');
      send(2 ** 40, 'c');
      send(7, 'd', 'nobody.takes.this');
      const told = new Map(await words.count(5));
      expect([told.get(0), told.get(35), told.get(36)]).toEqual([
        { sequence: 1, duplicate: false },
        { sequence: 2, duplicate: false },
        { sequence: 1, duplicate: true },
      ]);
      expect(told.get(2 ** 40)).toMatchObject({ code: 'stream_full' });
      expect(told.get(7)).toMatchObject({ code: 'no_responders' });
      const stored = await bus.readMessage(stream, 2);
      expect([read(stored?.data ?? text('')), stored?.headers.get('Colour')]).toEqual(['b', 'red']);
      await publisher.close();
    });

    it('gives a consumer no bodies where they are not wanted', async () => {
      const stream = await newStream();
      await store(stream, 'body');
      const got = collector<StreamMessage>();
      const config = { stream, name: 'c', headersOnly: true, ackWaitMs: 60_000, maxAckPending: 1_000, prefetch: 10 };
      await bus.consume(config, (message) => got.push(message));
      const [message] = await got.count(1);
      expect(message).toMatchObject({ sequence: 1, subject: `${stream}.a` });
      expect([read(message?.data ?? text('?')), message?.headers.get('Colour')]).toEqual(['', 'red']);
    });

    it('gives each consumer all that an earlier one has left, whatever that one acked, in any order', async () => {
      const stream = await newStream();
      const random = new Random(1, 0);
      let left = new Set<number>();
      for (let round = 0; round < 40; round++) {
        const got = collector<StreamMessage>();
        const consumption = await consume(stream, `c${round}`, (message) => got.push(message));
        const published = [...'abcdefghijkl'].map((letter) => ({
          letter,
          subject: `${stream}.${random.chance(0.5) ? 'a' : 'b'}`,
        }));
        for (const { letter, subject } of published) {
          const { sequence } = await bus.publishToStream(subject, text(letter), {
            id: `${round}${letter}`,
            timeoutMs: 5_000,
          });
          left.add(sequence);
        }
        const messages = await got.count(left.size);
        expect(new Set(messages.map(({ sequence }) => sequence))).toEqual(left);
        const acked = messages.filter(() => random.chance(0.8)).sort(() => random.next() - 0.5);
        for (const message of acked) message.ack();
        left = new Set([...left].filter((sequence) => acked.every((message) => message.sequence !== sequence)));
        await bus.flush();
        await consumption.stop();
        await bus.deleteConsumer(stream, `c${round}`);
      }
    }, 60_000);

    it('writes headers of any text, and none that would end their line', async () => {
      const messages = collector<BusMessage>();
      const subject = fresh('odd');
      const subscription = bus.subscribe(`${subject}.*`, (message) => messages.push(message));
      const odd = { Größe: 'no' };
      expect(() => bus.publish(`${subject}.a`, text(''), { headers: odd })).toThrow(TypeError);
      for (const value of ['a\r\nb: c', 'a\nb', 'a\0b']) {
        expect(() => bus.publish(`${subject}.a`, text(''), { headers: { Name: value } })).toThrow(TypeError);
      }
      bus.publish(`${subject}.größe`, text('1'), { headers: { Name: ' grün 緑 ', Empty: '' }, reply: 'to.größe' });
      bus.publish(`${subject}.b`, new Uint8Array(300_000).fill(7), { headers: { Name: 'large' } });
      bus.sendNow();
      const [first, second] = await messages.count(2);
      const { headers } = first ?? {};
      expect([first?.subject, first?.reply, headers?.get('Name'), headers?.get('Empty'), headers?.get('Nam')]).toEqual([
        ...[`${subject}.größe`, 'to.größe', 'grün 緑', '', undefined],
      ]);
      expect(Buffer.compare(second?.data ?? text(''), new Uint8Array(300_000).fill(7))).toBe(0);
      await subscription.drain();
    });

    it('reads the clock for several at once through a stream that keeps one message', async () => {
      const stream = fresh('CLOCK');
      const config = { retention: 'limits', discard: 'old', storage: 'memory', replicas: 1, maxMessages: 1 } as const;
      await bus.ensureStream({ ...config, name: stream, subjects: [stream] });
      const readings = await Promise.all(Array.from({ length: 20 }, () => bus.readClock(stream, stream)));
      for (const { sentAtMs, receivedAtMs, brokerMs } of readings) {
        expect(receivedAtMs).toBeGreaterThan(sentAtMs);
        expect(Math.abs(brokerMs - Date.now())).toBeLessThan(60_000);
      }
    });

    it('gives everything un-acked to the next consumer when one is deleted; its late acks do nothing', async () => {
      const stream = await newStream();
      const held = collector<StreamMessage>();
      const first = await consume(stream, 'old', (m) => held.push(m));
      for (const id of ['one', 'two', 'three']) await store(stream, id);
      const messages = await held.count(3);
      expect(await bus.consumers(stream)).toEqual(['old']);
      await bus.deleteConsumer(stream, 'old');
      const again = collector<StreamMessage>();
      const second = await consume(stream, 'new', (m) => again.push(m));
      expect((await again.count(3)).map((m) => m.sequence)).toEqual([1, 2, 3]);
      for (const message of messages) message.ack();
      await bus.flush();
      expect((await bus.streamState(stream)).messages).toBe(3);
      await Promise.all([first.stop(), second.stop()]);
    });

    it('reads a stored message by its sequence', async () => {
      const stream = await newStream();
      const { sequence } = await store(stream, 'one');
      const message = await bus.readMessage(stream, sequence);
      expect(message && read(message.data)).toBe('one');
      expect(message?.headers.get('Colour')).toBe('red');
      expect(await bus.readMessage(stream, sequence + 1)).toBeUndefined();
    });

    it('keeps keys with compare-and-set', async () => {
      const keys = await bus.keys(fresh('bucket'), {
        storage: 'memory',
        replicas: 1,
      });
      expect(await keys.get('a')).toBeUndefined();
      const first = await keys.compareAndSet('a', text('1'), 0);
      await expect(keys.compareAndSet('a', text('2'), 0)).rejects.toSatisfy((error) => hasCode(error, 'conflict'));
      const second = await keys.compareAndSet('a', text('2'), first);
      expect(second).toBeGreaterThan(first);
      await expect(keys.compareAndSet('a', text('3'), first)).rejects.toSatisfy((error) => hasCode(error, 'conflict'));
      expect(read((await keys.get('a'))?.value ?? text(''))).toBe('2');
      await keys.delete('a');
      expect(await keys.get('a')).toBeUndefined();
    });

    it('shows the keys that are there, then every change', async () => {
      const keys = await bus.keys(fresh('bucket'), {
        storage: 'memory',
        replicas: 1,
      });
      await keys.put('a', text('1'));
      const seen = collector<[string, string | undefined]>();
      const watch = await keys.watch((entry) => seen.push([entry.key, entry.value && read(entry.value)]));
      expect(await seen.count(1)).toEqual([['a', '1']]);
      await keys.put('b.c', text('2'));
      await keys.delete('a');
      expect(await seen.count(3)).toEqual([
        ['a', '1'],
        ['b.c', '2'],
        ['a', undefined],
      ]);
      await watch.drain();
    });

    it('keeps objects larger than a message', async () => {
      const objects = await bus.objects(fresh('objects'), {
        storage: 'memory',
        replicas: 1,
      });
      const large = new Uint8Array(3 * bus.maxPayloadBytes).map((_, i) => i % 251);
      await objects.put('large', large);
      expect(Buffer.compare((await objects.get('large')) ?? new Uint8Array(), large)).toBe(0);
      expect(await objects.get('absent')).toBeUndefined();
      const pieces: Uint8Array[] = [];
      for await (const piece of (await objects.read('large')) ?? []) pieces.push(piece);
      expect(pieces.length).toBeGreaterThan(1);
      expect(Buffer.compare(Buffer.concat(pieces), large)).toBe(0);
      expect(await objects.read('absent')).toBeUndefined();
    });

    it('tells whether there is a bucket of keys, and makes none', async () => {
      const name = fresh('keys');
      expect(await bus.hasKeys(name)).toBe(false);
      expect(await bus.hasKeys(name)).toBe(false);
      await bus.keys(name, { storage: 'memory', replicas: 1 });
      expect(await bus.hasKeys(name)).toBe(true);
    });

    it('tells names and sizes of objects, and forgets those that are deleted', async () => {
      const objects = await bus.objects(fresh('objects'), { storage: 'memory', replicas: 1, maxAgeMs: 60_000 });
      expect(await objects.names()).toEqual([]);
      await objects.put('a', text('1'));
      await objects.put('b', text('22'));
      expect((await objects.names()).sort()).toEqual(['a', 'b']);
      expect(Math.abs(((await objects.storedAtMs()).get('b') ?? 0) - Date.now())).toBeLessThan(60_000);
      expect(await objects.size('b')).toBe(2);
      await objects.delete('b');
      await objects.delete('b');
      await objects.delete('absent');
      expect(await objects.names()).toEqual(['a']);
      expect([await objects.size('b'), await objects.size('absent')]).toEqual([undefined, undefined]);
      expect(await objects.get('b')).toBeUndefined();
      await objects.put('b', text('333'));
      expect(await objects.size('b')).toBe(3);
    });

    it('answers for itself as a NATS service', async () => {
      const service = fresh('service');
      await bus.announce({
        name: service,
        version: '1.2.3',
        description: 'under test',
      });
      const pong = await bus.request(`$SRV.PING.${service}`, text(''), {
        timeoutMs: 2_000,
      });
      expect(JSON.parse(read(pong.data))).toMatchObject({
        name: service,
        version: '1.2.3',
      });
    });

    it('finds the services that have announced themselves, on every connection, with what they say of themselves', async () => {
      const [here, there] = [fresh('service'), fresh('service')];
      const other = await connectBus({ url: server.url, name: 'other' });
      await bus.announce({ name: here, version: '1.0.0', description: 'one', metadata: { pid: '7' } });
      await other.announce({ name: there, version: '2.0.0', description: 'two' });
      await other.announce({ name: there, version: '2.0.0', description: 'two' });
      // Not every answer is one of a service.
      const stranger = bus.subscribe('$SRV.INFO', ({ reply }) => reply && bus.publish(reply, text('{"name":1}')));
      await bus.flush();
      const found = await bus.discover(1_000);
      expect(found.filter(({ name }) => name === here)).toEqual([
        { name: here, id: expect.any(String), version: '1.0.0', metadata: expect.objectContaining({ pid: '7' }) },
      ]);
      const twins = found.filter(({ name }) => name === there);
      expect(new Set(twins.map(({ id }) => id)).size).toBe(2);
      expect(found.every(({ name }) => typeof name === 'string')).toBe(true);
      await stranger.drain();
      await other.close();
      expect((await bus.discover(500)).some(({ name }) => name === there)).toBe(false);
    });
  });
}
