/** What a connection does when its line is cut: it is noticed, made anew, and nothing of the old one is left. */
import { type Cut, FaultProxy } from '@slackline/chaos';
import { type Bus, connectBus } from '@slackline/shared';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withNatsServer } from '../harness/nats-server.js';

const nats = withNatsServer();
let proxy: FaultProxy;
let bus: Bus;
let status: string[];
beforeEach(async () => {
  proxy = await FaultProxy.start({ target: `127.0.0.1:${nats.server.port}` });
  bus = await connectBus({ url: proxy.url, name: 'test' });
  status = [];
  bus.onStatus((each) => status.push(each));
});
afterEach(async () => {
  await bus.close();
  await proxy.close();
});

describe('a connection that is silent', () => {
  it.each<[string, Cut]>([
    ['drop', { kind: 'drop' }],
    ['deaf', { kind: 'half-open', silent: 'in' }],
    ['mute', { kind: 'half-open', silent: 'out' }],
  ])('(%s) is given up within seconds, although it stays open, and made anew when it is healed', async (_name, cut) => {
    const heal = proxy.apply(cut);
    await expect.poll(() => status, { timeout: 15_000 }).toEqual(['disconnected']);
    heal();
    await expect.poll(() => status, { timeout: 15_000 }).toEqual(['disconnected', 'reconnected']);
    await bus.flush();
  });

  it('is given up even by who has more to say than the line takes', async () => {
    const heal = proxy.apply({ kind: 'drop' });
    for (let i = 0; i < 40; i++) bus.publish('nowhere', new Uint8Array(1_000_000));
    await expect.poll(() => status, { timeout: 15_000 }).toContain('disconnected');
    heal();
    await expect.poll(() => status.at(-1), { timeout: 15_000 }).toBe('reconnected');
    await bus.flush();
  });

  it('holds nobody up who ends', async () => {
    proxy.apply({ kind: 'drop' });
    await bus.close();
  });

  it('is given up by the broker too, if nothing is sent to it: who is asked is known to be gone', async () => {
    const direct = await connectBus({ url: nats.url, name: 'direct' });
    bus.subscribe('echo', ({ reply }) => reply !== undefined && bus.publish(reply, new Uint8Array()));
    await bus.flush();
    await direct.request('echo', new Uint8Array(), { timeoutMs: 5_000 });
    proxy.apply({ kind: 'drop' });
    const answer = () => direct.request('echo', new Uint8Array(), { timeoutMs: 200 }).catch((error) => error.code);
    expect(await answer()).toBe('timeout');
    // What it is sent counts as a sign of life: it must not be asked too often.
    await expect.poll(answer, { timeout: 25_000, interval: 8_000 }).toBe('no_responders');
    await direct.close();
  });
});
