import { type Bus, type BusMessage, SlacklineError, Subjects } from '@slackline/shared';
import { describe, expect, it } from 'vitest';
import { ManualClock, type Member } from './leadership-testing.js';
import { Presence } from './presence.js';

const everyMs = 25;
const owner = { isPaused: false } as Member;

/** A standby and what its questions find: each answer in turn, the last one for ever. */
function standby(answers: ('here' | 'no_responders' | 'timeout')[]) {
  const clock = new ManualClock();
  const gone: number[] = [];
  let asked = 0;
  let answerPing: (message: BusMessage) => void = () => {};
  const bus: Pick<Bus, 'publish' | 'request' | 'subscribe'> = {
    publish: () => {},
    subscribe: (_subject, handler) => {
      answerPing = handler;
      return { drain: async () => {} };
    },
    request: async (subject) => {
      const answer = answers[Math.min(asked++, answers.length - 1)] ?? 'here';
      if (answer !== 'here') throw new SlacklineError(answer, 'nobody');
      return { subject, reply: undefined, headers: { get: () => undefined }, data: new Uint8Array() };
    },
  };
  let other: string | undefined = 'leader';
  const presence = new Presence({
    ...{ bus, subjects: new Subjects(), clock: clock.of(owner), id: 'me', everyMs },
    other: () => other,
    onGone: () => gone.push(clock.ms),
  });
  presence.start();
  return {
    clock,
    gone,
    presence,
    lead: () => {
      other = undefined;
    },
    ping: () => answerPing({ subject: '', reply: 'inbox', headers: { get: () => undefined }, data: new Uint8Array() }),
    asked: () => asked,
  };
}

describe('a standby', () => {
  it('finds the leader gone when nobody listens twice in a row', async () => {
    const { clock, gone } = standby(['here', 'no_responders']);
    await clock.pass(2 * everyMs);
    expect(gone).toEqual([]);
    await clock.pass(everyMs);
    expect(gone).toEqual([3 * everyMs]);
  });

  it('does not take silence for absence, nor one miss between answers', async () => {
    const { clock, gone } = standby(['here', 'timeout', 'timeout', 'no_responders', 'here', 'no_responders', 'here']);
    await clock.pass(20 * everyMs);
    expect(gone).toEqual([]);
  });

  it('never misses whom it has not met: a leader that may not answer keeps its lease', async () => {
    const { clock, gone } = standby(['no_responders']);
    await clock.pass(20 * everyMs);
    expect(gone).toEqual([]);
  });

  it('asks nobody while it leads, and knows then whether somebody stands by', async () => {
    const { clock, presence, lead, ping, asked } = standby(['here']);
    lead();
    await clock.pass(10 * everyMs);
    expect(asked()).toBe(0);
    expect(presence.hasStandby).toBe(false);
    ping();
    expect(presence.hasStandby).toBe(true);
    await clock.pass(20 * everyMs);
    expect(presence.hasStandby).toBe(false);
  });
});
