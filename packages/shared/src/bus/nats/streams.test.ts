import { describe, expect, it } from 'vitest';
import { createHeaders, type JetStreamClient, type JetStreamManager } from './client.js';
import { Streams } from './streams.js';

/** A broker that answers direct reads with `direct`, and the leader's with `led`: a body, or the code of an error. */
function streamsOf(direct: Uint8Array | string, led: Uint8Array | string) {
  const asked: string[] = [];
  const answer = (who: string, given: Uint8Array | string) => ({
    getMessage: (stream: string, { seq }: { seq: number }) => {
      asked.push(`${who} ${stream} ${seq}`);
      if (typeof given === 'string') return Promise.reject(Object.assign(new Error(given), errorOf(given)));
      const header = createHeaders();
      header.append('Colour', 'red');
      return Promise.resolve({ subject: 'queries.m', data: given, header });
    },
  });
  const manager = { direct: answer('direct', direct), streams: answer('leader', led) };
  return { asked, streams: new Streams({} as JetStreamClient, manager as unknown as JetStreamManager) };
}

const errorOf = (code: string) => (code === '10037' ? { code: '404', api_error: { err_code: 10037 } } : { code });
const [one, other] = [Uint8Array.of(1), Uint8Array.of(2)];

describe('a stored message', () => {
  it('is read directly, and nobody else is asked', async () => {
    const { streams, asked } = streamsOf(one, other);
    const message = await streams.read('QUERIES', 7);
    expect([message?.subject, message?.data, message?.headers.get('Colour')]).toEqual(['queries.m', one, 'red']);
    expect(asked).toEqual(['direct QUERIES 7']);
  });

  it.each([
    ['a copy that does not have it yet', '404'],
    ['a stream, or a broker, without direct reads', '503'],
    ['who may not read directly', 'PERMISSIONS_VIOLATION'],
  ])('is asked of the leader for %s', async (_who, code) => {
    const { streams, asked } = streamsOf(code, other);
    expect((await streams.read('QUERIES', 7))?.data).toBe(other);
    expect(asked).toEqual(['direct QUERIES 7', 'leader QUERIES 7']);
  });

  it('is gone when the leader says so, and only then', async () => {
    expect(await streamsOf('404', '10037').streams.read('QUERIES', 7)).toBeUndefined();
    await expect(streamsOf('TIMEOUT', one).streams.read('QUERIES', 7)).rejects.toMatchObject({ code: 'timeout' });
    await expect(streamsOf('404', 'TIMEOUT').streams.read('QUERIES', 7)).rejects.toMatchObject({ code: 'timeout' });
    await expect(streamsOf('503', '503').streams.read('QUERIES', 7)).rejects.toMatchObject({ code: 'no_responders' });
  });
});
