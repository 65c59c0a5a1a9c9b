/** What a bus does over the restarts of its broker: with what the broker kept in files, and with what it forgot. */
import { type Bus, connectBus, type KeyChange, type StreamMessage } from '@slackline/shared';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withNatsServer } from '../harness/nats-server.js';

export function describeRestarts(name: string, binary?: string): void {
  describe(`the bus over restarts of ${name}`, () => {
    const nats = withNatsServer(binary === undefined ? {} : { binary });
    let bus: Bus;
    /** Another process, which saw the broker come back before or after us. */
    let other: Bus;
    let unique = 0;
    beforeEach(async () => {
      [bus, other] = await Promise.all([connect(), connect()]);
    });
    afterEach(() => Promise.all([bus.close(), other.close()]));

    const connect = () => connectBus({ url: nats.url, name: 'restarts' });
    const bytes = (text: string) => Buffer.from(text);
    const patience = { timeout: 20_000 };

    /** The broker is killed and started again; resolves when both are connected. */
    async function restart(): Promise<void> {
      const back = [bus, other].map((each) => {
        return new Promise<void>((resolve) => {
          each.onStatus((status) => status === 'reconnected' && resolve());
        });
      });
      await nats.server.kill();
      await nats.server.restart();
      await Promise.all(back);
    }

    async function newStream(storage: 'file' | 'memory') {
      const name = `S${++unique}`;
      const make = (by: Bus) =>
        by.ensureStream({
          name,
          subjects: [`${name}.>`],
          retention: 'workqueue',
          discard: 'new',
          storage,
          replicas: 1,
        });
      await make(bus);
      const store = (id: string) => other.publishToStream(`${name}.a`, bytes(id), { id, timeoutMs: 2_000 });
      return { name, make, store };
    }

    /** What a consumer is given: ids of messages, in order. Acked only where `acks`. */
    async function consume(stream: string, { acks }: { acks: boolean }) {
      const got: string[] = [];
      const take = (message: StreamMessage) => {
        got.push(Buffer.from(message.data).toString());
        if (acks) message.ack();
      };
      const config = { stream, name: 'c', ackWaitMs: 300_000, maxAckPending: 1_000, prefetch: 100 };
      const consumption = await bus.consume(config, take);
      return { got, consumption };
    }

    describe('a consumer', () => {
      it('goes on after a restart, though it lived in the broker’s memory', async () => {
        const { name, store } = await newStream('file');
        const { got, consumption } = await consume(name, { acks: true });
        await store('before');
        await expect.poll(() => got).toEqual(['before']);
        for (const id of ['first', 'second']) {
          await restart();
          await store(id);
          await expect.poll(() => got.at(-1), patience).toBe(id);
        }
        await consumption.stop();
      }, 60_000);

      it('gets again at once what it holds', async () => {
        const { name, store } = await newStream('file');
        const { got, consumption } = await consume(name, { acks: false });
        await store('held');
        await expect.poll(() => got).toEqual(['held']);
        await restart();
        // The ack wait is minutes.
        await expect.poll(() => got, patience).toEqual(['held', 'held']);
        await consumption.stop();
      }, 60_000);

      it('goes on when its stream was lost, as soon as somebody has made it again', async () => {
        const { name, make, store } = await newStream('memory');
        const { got, consumption } = await consume(name, { acks: true });
        await restart();
        await make(other);
        await store('after');
        await expect.poll(() => got, patience).toEqual(['after']);
        await consumption.stop();
      }, 60_000);

      it('that was stopped while the broker was away makes no consumer any more', async () => {
        const { name } = await newStream('file');
        const { consumption } = await consume(name, { acks: true });
        await nats.server.kill();
        const stopped = consumption.stop();
        await nats.server.restart();
        await stopped;
        await expect.poll(() => bus.consumers(name).catch(() => undefined), patience).toEqual([]);
      }, 60_000);
    });

    describe('a watch of keys', () => {
      const open = (by: Bus, storage: 'file' | 'memory') => by.keys(`B${unique}`, { storage, replicas: 1 });

      /** Changes in the form `key=value`, `-key` where it is gone, `?key` where it was lost. */
      async function watched(storage: 'file' | 'memory') {
        unique += 1;
        const keys = await open(bus, storage);
        const seen: string[] = [];
        const show = ({ key, value, lost }: KeyChange) =>
          seen.push(value === undefined ? `${lost ? '?' : '-'}${key}` : `${key}=${Buffer.from(value)}`);
        await keys.put('a', bytes('1'));
        await keys.put('b', bytes('1'));
        const watch = await keys.watch(show);
        expect(seen).toEqual(['a=1', 'b=1']);
        return { keys, seen: () => seen.splice(0), peek: seen, theirs: () => open(other, storage), watch };
      }

      it('shows after a restart what changed meanwhile, and nothing else', async () => {
        const { seen, peek, theirs, watch } = await watched('file');
        seen();
        await restart();
        await (await theirs()).put('a', bytes('2'));
        await (await theirs()).delete('b');
        await expect.poll(() => peek, patience).toEqual(['a=2', '-b']);
        await watch.drain();
      }, 60_000);

      it('shows what a forgotten bucket is filled with, though its revisions begin anew', async () => {
        const { seen, peek, theirs, watch } = await watched('memory');
        seen();
        await restart();
        await (await theirs()).put('c', bytes('3'));
        await expect.poll(() => peek, patience).toEqual(expect.arrayContaining(['?a', '?b', 'c=3']));
        expect(peek).toHaveLength(3);
        await (await theirs()).put('a', bytes('4'));
        await expect.poll(() => peek.at(-1), patience).toBe('a=4');
        await watch.drain();
      }, 60_000);

      it('is shown nothing once it was drained', async () => {
        const { seen, peek, keys, watch } = await watched('file');
        seen();
        await watch.drain();
        await restart();
        await keys.put('a', bytes('2'));
        await bus.discover(200);
        expect(peek).toEqual([]);
      }, 60_000);
    });

    describe('buckets that a broker has forgotten', () => {
      it('are made again by whoever uses them next', async () => {
        const config = { storage: 'memory', replicas: 1 } as const;
        const keys = await bus.keys(`B${++unique}`, config);
        const objects = await bus.objects(`O${unique}`, config);
        await keys.put('a', bytes('1'));
        await objects.put('x', bytes('1'));
        await restart();
        expect(await objects.get('x')).toBeUndefined();
        await objects.put('x', bytes('2'));
        expect(Buffer.from((await objects.get('x')) ?? []).toString()).toBe('2');
        expect(await keys.get('a')).toBeUndefined();
        expect(await keys.compareAndSet('a', bytes('2'), 0)).toBeGreaterThan(0);
      }, 60_000);

      it('are made again by a write too', async () => {
        const config = { storage: 'memory', replicas: 1 } as const;
        const keys = await bus.keys(`B${++unique}`, config);
        const objects = await bus.objects(`O${unique}`, config);
        await restart();
        await keys.put('a', bytes('1'));
        await objects.put('x', bytes('1'));
        expect(await objects.names()).toEqual(['x']);
        expect(Buffer.from((await keys.get('a'))?.value ?? []).toString()).toBe('1');
      }, 60_000);
    });
  });
}
