/** Messages that are not stored: subjects, requests, headers, services. */
import { type BusMessage, connectBus, hasCode } from '@slackline/shared';
import { expect, it } from 'vitest';
import { collector, read, text, type UnderTest } from './under-test.js';

export function messageCases(under: UnderTest): void {
  it('carries subject, headers, reply and bytes', async () => {
    const subject = under.fresh('core');
    const got = collector<[string, string | undefined, string | undefined, string | undefined, string]>();
    const subscription = under.bus.subscribe(subject, (m) =>
      got.push([m.subject, m.reply, m.headers.get('Colour'), m.headers.get('Absent'), read(m.data)]),
    );
    under.bus.publish(subject, text('hello'), {
      headers: { Colour: 'red' },
      reply: 'answer.here',
    });
    expect(await got.count(1)).toEqual([[subject, 'answer.here', 'red', undefined, 'hello']]);
    await subscription.drain();
  });

  it('knows no reply subject where a message was published without one', async () => {
    const subject = under.fresh('subject');
    const heard = collector<string | undefined>();
    const subscription = under.bus.subscribe(subject, ({ reply }) => heard.push(reply));
    under.bus.publish(subject, text('x'));
    under.bus.publish(subject, text('x'), { headers: { Colour: 'red' } });
    expect(await heard.count(2)).toEqual([undefined, undefined]);
    await subscription.drain();
  });

  it('shares the messages of a queue group and answers requests', async () => {
    const subject = under.fresh('queue');
    let handled = 0;
    const answer = (m: { reply: string | undefined }) => {
      handled += 1;
      if (m.reply !== undefined) under.bus.publish(m.reply, text('done'));
    };
    const members = [1, 2].map(() => under.bus.subscribe(subject, answer, { queue: 'q' }));
    for (let i = 0; i < 10; i += 1) {
      expect(read((await under.bus.request(subject, text('do'), { timeoutMs: 2_000 })).data)).toBe('done');
    }
    expect(handled).toBe(10);
    await Promise.all(members.map((member) => member.drain()));
  });

  it('tells a request that nobody listens', async () => {
    const call = under.bus.request(under.fresh('nobody'), text(''), { timeoutMs: 2_000 });
    await expect(call).rejects.toSatisfy((error) => hasCode(error, 'no_responders'));
  });

  it('writes headers of any text, and none that would end their line', async () => {
    const messages = collector<BusMessage>();
    const subject = under.fresh('odd');
    const subscription = under.bus.subscribe(`${subject}.*`, (message) => messages.push(message));
    const odd = { Größe: 'no' };
    expect(() => under.bus.publish(`${subject}.a`, text(''), { headers: odd })).toThrow(TypeError);
    for (const value of ['a\r\nb: c', 'a\nb', 'a\0b']) {
      expect(() => under.bus.publish(`${subject}.a`, text(''), { headers: { Name: value } })).toThrow(TypeError);
    }
    under.bus.publish(`${subject}.größe`, text('1'), { headers: { Name: ' grün 緑 ', Empty: '' }, reply: 'to.größe' });
    under.bus.publish(`${subject}.b`, new Uint8Array(300_000).fill(7), { headers: { Name: 'large' } });
    under.bus.sendNow();
    const [first, second] = await messages.count(2);
    const { headers } = first ?? {};
    expect([first?.subject, first?.reply, headers?.get('Name'), headers?.get('Empty'), headers?.get('Nam')]).toEqual([
      ...[`${subject}.größe`, 'to.größe', 'grün 緑', '', undefined],
    ]);
    expect(Buffer.compare(second?.data ?? text(''), new Uint8Array(300_000).fill(7))).toBe(0);
    await subscription.drain();
  });

  it('answers for itself as a NATS service', async () => {
    const service = under.fresh('service');
    await under.bus.announce({
      name: service,
      version: '1.2.3',
      description: 'under test',
    });
    const pong = await under.bus.request(`$SRV.PING.${service}`, text(''), {
      timeoutMs: 2_000,
    });
    expect(JSON.parse(read(pong.data))).toMatchObject({
      name: service,
      version: '1.2.3',
    });
  });

  it('finds the services that have announced themselves, on every connection, with what they say of themselves', async () => {
    const [here, there] = [under.fresh('service'), under.fresh('service')];
    const other = await connectBus({ url: under.url, name: 'other' });
    await under.bus.announce({ name: here, version: '1.0.0', description: 'one', metadata: { pid: '7' } });
    await other.announce({ name: there, version: '2.0.0', description: 'two' });
    await other.announce({ name: there, version: '2.0.0', description: 'two' });
    // Not every answer is one of a service.
    const stranger = under.bus.subscribe(
      '$SRV.INFO',
      ({ reply }) => reply && under.bus.publish(reply, text('{"name":1}')),
    );
    await under.bus.flush();
    const found = await under.bus.discover(1_000);
    expect(found.filter(({ name }) => name === here)).toEqual([
      { name: here, id: expect.any(String), version: '1.0.0', metadata: expect.objectContaining({ pid: '7' }) },
    ]);
    const twins = found.filter(({ name }) => name === there);
    expect(new Set(twins.map(({ id }) => id)).size).toBe(2);
    expect(found.every(({ name }) => typeof name === 'string')).toBe(true);
    await stranger.drain();
    await other.close();
    expect((await under.bus.discover(500)).some(({ name }) => name === there)).toBe(false);
  });
}
