import { describe, expect, it } from 'vitest';
import { type ErrorCode, SlacklineError } from '../../errors.js';
import { HeaderLines, type HeaderValues } from '../../headers.js';
import type { Bus } from '../bus.js';
import type { JetStreamClient, JetStreamManager } from './client.js';
import { Streams } from './streams.js';

const [direct, led] = [Uint8Array.of(1), Uint8Array.of(2)];
const found = { 'Nats-Sequence': '7', 'Nats-Subject': 'queries.m', Colour: 'red' };
const gone = Object.assign(new Error('no message found'), { code: '404', api_error: { err_code: 10037 } });

/** Streams on a broker that answers direct reads with these headers, or refuses them; and what was asked of whom. */
function streamsOf(answer: HeaderValues | ErrorCode, leader: Uint8Array | Error = led) {
  const asked: string[] = [];
  const request: Bus['request'] = async (subject, query) => {
    asked.push(`${subject} ${Buffer.from(query)}`);
    if (typeof answer === 'string') throw new SlacklineError(answer, 'refused');
    return { subject: 'inbox', reply: undefined, headers: HeaderLines.of(answer), data: direct };
  };
  const getMessage = async (stream: string, { seq }: { seq: number }) => {
    asked.push(`leader of ${stream} ${seq}`);
    if (leader instanceof Error) throw leader;
    return { subject: 'queries.m', data: leader };
  };
  const manager = { streams: { getMessage } } as unknown as JetStreamManager;
  return { asked, streams: new Streams({} as JetStreamClient, manager, { request }) };
}

const directly = '$JS.API.DIRECT.GET.QUERIES {"seq":7}';

describe('a stored message', () => {
  it('is read directly, and nobody else is asked', async () => {
    const { streams, asked } = streamsOf(found);
    const message = await streams.read('QUERIES', 7);
    expect([message?.subject, message?.data, message?.headers.get('Colour')]).toEqual(['queries.m', direct, 'red']);
    expect(asked).toEqual([directly]);
  });

  it.each<[string, HeaderValues | ErrorCode]>([
    ['a copy that does not have it yet', {}],
    ['a stream, or a broker, without direct reads', 'no_responders'],
    ['who may not read directly', 'not_permitted'],
  ])('is asked of the leader for %s', async (_who, answer) => {
    const { streams, asked } = streamsOf(answer);
    expect((await streams.read('QUERIES', 7))?.data).toBe(led);
    expect(asked).toEqual([directly, 'leader of QUERIES 7']);
  });

  it('is gone when the leader says so, and only then', async () => {
    expect(await streamsOf({}, gone).streams.read('QUERIES', 7)).toBeUndefined();
    await expect(streamsOf('timeout').streams.read('QUERIES', 7)).rejects.toMatchObject({ code: 'timeout' });
    const failed = streamsOf({}, new Error('the leader is away'));
    await expect(failed.streams.read('QUERIES', 7)).rejects.toMatchObject({ code: 'bus_failed' });
  });
});
