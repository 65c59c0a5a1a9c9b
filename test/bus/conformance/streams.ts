/** Streams and their consumers. */
import { hasCode, type StreamMessage, type StreamWord } from '@slackline/shared';
import { expect, it } from 'vitest';
import { Random } from '../../harness/random.js';
import { collector, read, text, type UnderTest } from './under-test.js';

export function streamCases(under: UnderTest): void {
  const newStream = async (options: { maxMessages?: number; retention?: 'workqueue' | 'limits' } = {}) => {
    const stream = under.fresh('STREAM');
    await under.bus.ensureStream({
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
    under.bus.publishToStream(`${stream}.a`, text(id), {
      id,
      timeoutMs: 2_000,
      headers: { Colour: 'red' },
    });
  const consume = (stream: string, consumer: string, handler: (message: StreamMessage) => void) =>
    under.bus.consume(
      {
        stream,
        name: consumer,
        ackWaitMs: 60_000,
        maxAckPending: 1_000,
        prefetch: 100,
      },
      handler,
    );

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
    expect(await under.bus.streamState(stream)).toMatchObject({
      messages: 2,
      lastSequence: 2,
    });
  });

  it('refuses what a full stream cannot hold', async () => {
    const stream = await newStream({ maxMessages: 2 });
    await store(stream, 'one');
    await store(stream, 'two');
    await expect(store(stream, 'three')).rejects.toSatisfy((error) => hasCode(error, 'stream_full'));
    expect((await under.bus.streamState(stream)).lastSequence).toBe(2);
  });

  it('delivers with sequence, timestamp and headers, and forgets what is acked', async () => {
    const stream = await newStream();
    const clock = await newStream({ retention: 'limits' });
    const before = await under.bus.readClock(clock, `${clock}.t`);
    await store(stream, 'one');
    const after = await under.bus.readClock(clock, `${clock}.t`);
    const got = collector<StreamMessage>();
    const consumption = await consume(stream, 'c', (m) => got.push(m));
    const [message] = await got.count(1);
    expect(message).toMatchObject({ sequence: 1, subject: `${stream}.a` });
    expect(message?.headers.get('Colour')).toBe('red');
    expect(message?.timestampMs).toBeGreaterThanOrEqual(before.brokerMs);
    expect(message?.timestampMs).toBeLessThanOrEqual(after.brokerMs);
    expect((await under.bus.streamState(stream)).messages).toBe(1);
    message?.ack();
    await under.bus.flush();
    // An ack is not confirmed; the next stored message's round trip lies behind it.
    await expect.poll(async () => (await under.bus.streamState(stream)).messages).toBe(0);
    await consumption.stop();
  });

  it('publishes many to a stream and tells what became of each by its token', async () => {
    const stream = await newStream({ maxMessages: 2 });
    const words = collector<[token: number, word: StreamWord]>();
    const publisher = under.bus.streamPublisher({ said: (token, word) => words.push([token, word]), denied: () => {} });
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
    const stored = await under.bus.readMessage(stream, 2);
    expect([read(stored?.data ?? text('')), stored?.headers.get('Colour')]).toEqual(['b', 'red']);
    await publisher.close();
  });

  it('gives a consumer no bodies where they are not wanted', async () => {
    const stream = await newStream();
    await store(stream, 'body');
    const got = collector<StreamMessage>();
    const config = { stream, name: 'c', headersOnly: true, ackWaitMs: 60_000, maxAckPending: 1_000, prefetch: 10 };
    await under.bus.consume(config, (message) => got.push(message));
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
        const { sequence } = await under.bus.publishToStream(subject, text(letter), {
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
      // Acks that a server has read but not carried out are forgotten with their consumer.
      await expect.poll(async () => (await under.bus.streamState(stream)).messages).toBe(left.size);
      await consumption.stop();
      await under.bus.deleteConsumer(stream, `c${round}`);
    }
  }, 60_000);

  it('reads the clock for several at once through a stream that keeps one message', async () => {
    const stream = under.fresh('CLOCK');
    const config = { retention: 'limits', discard: 'old', storage: 'memory', replicas: 1, maxMessages: 1 } as const;
    await under.bus.ensureStream({ ...config, name: stream, subjects: [stream] });
    const readings = await Promise.all(Array.from({ length: 20 }, () => under.bus.readClock(stream, stream)));
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
    expect(await under.bus.consumers(stream)).toEqual(['old']);
    await under.bus.deleteConsumer(stream, 'old');
    const again = collector<StreamMessage>();
    const second = await consume(stream, 'new', (m) => again.push(m));
    expect((await again.count(3)).map((m) => m.sequence)).toEqual([1, 2, 3]);
    for (const message of messages) message.ack();
    await under.bus.flush();
    expect((await under.bus.streamState(stream)).messages).toBe(3);
    await Promise.all([first.stop(), second.stop()]);
  });

  it('reads a stored message by its sequence', async () => {
    const stream = await newStream();
    const { sequence } = await store(stream, 'one');
    const message = await under.bus.readMessage(stream, sequence);
    expect(message && read(message.data)).toBe('one');
    expect(message?.headers.get('Colour')).toBe('red');
    expect(await under.bus.readMessage(stream, sequence + 1)).toBeUndefined();
  });
}
