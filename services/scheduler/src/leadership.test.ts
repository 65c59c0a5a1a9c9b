import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leaseMs, type Setup, settled, setup } from './leadership-testing.js';

const leaders = (tokens: [string, number][]) => tokens.map(([who]) => who);
const rising = (tokens: [string, number][]) =>
  tokens.every(([, token], i) => i === 0 || token > (tokens[i - 1]?.[1] ?? 0));

describe('leadership', () => {
  it('is taken by one, and kept by renewing', async () => {
    const { clock, tokens, losses, members, start } = setup(3);
    await start();
    await clock.pass(10_000);
    expect(tokens).toEqual([['s0', 1]]);
    expect(losses).toEqual([]);
    expect(members.map(({ leadership }) => leadership.check())).toEqual([true, false, false]);
  });

  it('goes to a standby with a larger token when the leader is cut off, and never to two at once', async () => {
    const { clock, tokens, losses, members, first, start } = setup(2);
    await start();
    await clock.pass(1_000);
    first.cut();
    for (let i = 0; i < 200; i += 1) {
      await clock.pass(10);
      expect(members.filter(({ leadership }) => leadership.check()).length).toBeLessThanOrEqual(1);
    }
    expect(losses).toEqual(['s0']);
    expect(leaders(tokens)).toEqual(['s0', 's1']);
    expect(rising(tokens)).toBe(true);
    first.heal();
    await clock.pass(5_000);
    expect(tokens).toHaveLength(2);
  });

  it('outlives renewals whose answers are lost, as long as one in the lease arrives', async () => {
    const { clock, tokens, losses, first, start } = setup(2);
    await start();
    for (let i = 0; i < 10; i += 1) {
      first.losesAnswers = true;
      await clock.pass(leaseMs / 4);
      first.losesAnswers = false;
      await clock.pass(leaseMs);
    }
    expect(losses).toEqual([]);
    expect(tokens).toHaveLength(1);
  });

  it.each([40, 80, 120, 200, 300, 500, 1_000])(
    'goes on with %d ms on the way to the leader, by a standby if need be',
    async (delayMs) => {
      const { clock, tokens, members, first, start } = setup(2);
      await start();
      await clock.pass(1_000);
      first.delayMs = delayMs;
      await clock.pass(5 * leaseMs);
      // Whoever can lead does, and goes on; the slow one's late writes keep nobody else from it.
      let leading = 0;
      for (let i = 0; i < 100; i += 1) {
        await clock.pass(leaseMs / 10);
        const now = members.filter(({ leadership }) => leadership.check());
        expect(now.length).toBeLessThanOrEqual(1);
        leading += now.length;
      }
      expect(leading).toBe(100);
      expect(rising(tokens)).toBe(true);
    },
  );

  it('is not certain at the first look after a pause, and goes on once it is renewed', async () => {
    const { clock, tokens, losses, renewals, first, start } = setup(1);
    await start();
    // The process stood still: no timer ran, and the clock is far ahead at the next look.
    clock.ms += leaseMs;
    expect(first.leadership.check()).toBe(false);
    expect(renewals).toEqual([]);
    await settled();
    expect(renewals).toEqual(['s0']);
    expect(first.leadership.check()).toBe(true);
    expect(tokens).toHaveLength(1);
    expect(losses).toEqual([]);
  });

  it('is lost after a pause in which a standby has taken it, before anything could be said', async () => {
    const { clock, tokens, losses, renewals, first, start } = setup(2);
    await start();
    first.pause();
    await clock.pass(2 * leaseMs);
    expect(leaders(tokens)).toEqual(['s0', 's1']);
    first.resume();
    expect(first.leadership.check()).toBe(false);
    await clock.pass(leaseMs);
    expect(first.leadership.check()).toBe(false);
    expect(losses).toEqual(['s0']);
    expect(renewals).toEqual([]);
  });

  it('is lost when the broker does not take a renewal for another lease', async () => {
    const { clock, losses, first, start } = setup(1);
    await start();
    first.cut();
    await clock.pass(leaseMs);
    expect(first.leadership.check()).toBe(false);
    expect(losses).toEqual([]);
    await clock.pass(leaseMs + 1);
    expect(first.leadership.check()).toBe(false);
    expect(losses).toEqual(['s0']);
  });

  it('is handed over at once, with a larger token, by a leader that stops', async () => {
    const { clock, tokens, first, start } = setup(2);
    await start();
    await clock.pass(100);
    await first.leadership.stop();
    await settled();
    expect(leaders(tokens)).toEqual(['s0', 's1']);
    expect(rising(tokens)).toBe(true);
  });

  it('begins a new term at once after resigning', async () => {
    const { clock, tokens, losses, first, start } = setup(1);
    await start();
    first.leadership.resign('because');
    expect(first.leadership.check()).toBe(false);
    await clock.pass(leaseMs / 2);
    expect(losses).toEqual(['s0']);
    expect(tokens).toHaveLength(2);
    expect(rising(tokens)).toBe(true);
  });

  it('is kept, and not taken anew once it is lost, by one that stands no more', async () => {
    const { clock, tokens, losses, first, start } = setup(1);
    await start();
    first.leadership.standNoMore();
    await clock.pass(3 * leaseMs);
    expect(first.leadership.check()).toBe(true);
    first.leadership.resign('because');
    first.leadership.stand();
    await clock.pass(3 * leaseMs);
    expect([tokens.length, losses]).toEqual([1, ['s0']]);
  });

  it('comes back with a larger token when the broker has forgotten everything', async () => {
    let brokerMs = 1_000;
    const { broker, clock, tokens, first, start } = setup(1, () => brokerMs);
    await start();
    await clock.pass(1_000);
    brokerMs += 1_000;
    broker.forget();
    first.notice();
    await clock.pass(5_000);
    expect(first.leadership.check()).toBe(true);
    expect(tokens).toEqual([
      ['s0', 1_000],
      ['s0', 2_000],
    ]);
  });

  it('does not lead by a lease that was written over a connection that is lost', async () => {
    const { tokens, first, start } = setup(2);
    first.pausesAtWrite = true;
    await start();
    // The answer is read after the pause, when others may have been told that this connection is gone.
    first.disconnect();
    first.resume();
    first.notice();
    await settled();
    expect(tokens).toEqual([['s0', 2]]);
  });

  it.each([false, true])('is never held by two when its bucket goes; the leader cut off: %s', async (isCut) => {
    const { broker, clock, members, tokens, first, start } = setup(3);
    await start();
    await clock.pass(1_000);
    if (isCut) first.cut();
    broker.loseBucket();
    for (let i = 0; i < 200; i += 1) {
      expect(members.filter(({ leadership }) => leadership.check()).length).toBeLessThanOrEqual(1);
      await clock.pass(10);
    }
    expect(leaders(tokens)).toEqual(isCut ? ['s0', 's1'] : ['s0', 's0']);
    expect(rising(tokens)).toBe(true);
    expect(members.filter(({ leadership }) => leadership.check())).toHaveLength(1);
  });
});

/** Something that happens to a system of three. */
type Happening =
  | { kind: 'time'; ms: number }
  | {
      kind:
        | 'pause'
        | 'pause at write'
        | 'resume'
        | 'cut'
        | 'heal'
        | 'lose answers'
        | 'find answers'
        | 'disconnect'
        | 'notice'
        | 'resign';
      who: number;
    }
  | { kind: 'gone'; who: number; other: number }
  | { kind: 'forget' };

const who = fc.nat({ max: 2 });
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('time' as const), ms: fc.integer({ min: 1, max: 700 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'pause',
        'pause at write',
        'resume',
        'cut',
        'heal',
        'lose answers',
        'find answers',
        'disconnect',
        'notice',
        'resign',
      ),
      who,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('gone' as const), who, other: who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget' as const) }) },
);

async function happen(system: Setup, what: Happening, onStep: () => void): Promise<void> {
  if (what.kind === 'time') return system.clock.pass(what.ms, onStep);
  if (what.kind === 'forget') return system.broker.forget();
  const member = system.members[what.who];
  if (member === undefined) return;
  switch (what.kind) {
    case 'pause':
      return member.pause();
    case 'pause at write':
      member.pausesAtWrite = true;
      return;
    case 'resume':
      return member.resume();
    case 'cut':
      return member.cut();
    case 'heal':
      return member.heal();
    case 'disconnect':
      return member.disconnect();
    case 'notice':
      return member.notice();
    case 'resign':
      if (!member.isPaused) member.leadership.resign('because');
      return;
    case 'gone': {
      // The broker says so only of a connection that it does not have, and only to one that it hears.
      const other = system.members[what.other];
      const hears = member.isConnected && !member.isCut && !member.isPaused;
      if (hears && other?.isConnected === false) member.leadership.holderGone(other.id);
      return;
    }
    default:
      member.losesAnswers = what.kind === 'lose answers';
  }
}

describe('whatever happens, in whatever order', () => {
  it('at most one term is current among those who run and are connected, and it is the newest', async () => {
    let changes = 0;
    const property = fc.asyncProperty(fc.array(happening, { minLength: 5, maxLength: 60 }), async (happenings) => {
      let brokerMs = 0;
      const system = setup(3, () => brokerMs++);
      const look = () => {
        // A paused process says nothing, and one without a connection is not heard.
        const current = system.members.filter((each) => !each.isPaused && each.isConnected && each.leadership.check());
        expect(current.length).toBeLessThanOrEqual(1);
        const newest = system.tokens.reduce((most, each) => (each[1] > most[1] ? each : most), ['', 0]);
        for (const { id } of current) expect(newest[0]).toBe(id);
      };
      await system.start();
      for (const each of happenings) {
        await happen(system, each, look);
        look();
        await settled();
        look();
      }
      changes += system.tokens.length - 1;
      // And when all is well again, one leads.
      for (const member of system.members) {
        member.resume();
        member.losesAnswers = false;
        member.pausesAtWrite = false;
        member.heal();
        member.notice();
      }
      await system.clock.pass(6 * leaseMs, look);
      expect(system.members.filter(({ leadership }) => leadership.check())).toHaveLength(1);
    });
    await fc.assert(property, { numRuns: Number(process.env.LEADERSHIP_RUNS ?? 150) });
    // Or nothing was tried.
    expect(changes).toBeGreaterThan(0);
  }, 120_000);
});
