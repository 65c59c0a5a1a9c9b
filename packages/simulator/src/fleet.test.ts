/** Workers that die, pause, come back and come late. Times are those of the service: rounds every 25 ms, heartbeats every 100. */
import { describe, expect, it } from 'vitest';
import { simulate } from './simulate.js';
import { ends, options, twoSubnets } from './testing.js';

const two = [{ count: 2, deviceClass: 'd' }];
const patient = [{ name: 'm', sloMs: 2_000, tables: { d: twoSubnets } }];

describe('a crash', () => {
  it('is found out by asking for the batch, which then runs elsewhere', () => {
    const events = [{ kind: 'crash', atMs: 3, worker: 0 }] as const;
    const result = simulate(options([0], { workers: two, events }));
    expect(ends(result)).toEqual(['ok@35']);
    expect(result).toMatchObject({ workersLost: 1, batches: 2 });
    expect(result.batchRecords?.map(({ worker, doneMs }) => [worker, doneMs])).toEqual([
      [0, null],
      [1, 35],
    ]);
  });

  it('takes what is sent to the dead worker until it is found out', () => {
    const events = [{ kind: 'crash', atMs: 3, worker: 0 }] as const;
    // Sent at 4, asked for at 50: at 25 the batch is too young to be asked for.
    expect(ends(simulate(options([4], { workers: two, events })))).toEqual(['ok@60']);
  });

  it('is found out at once by what is sent when its heartbeat is overdue: the broker says that nobody listens', () => {
    const events = [{ kind: 'crash', atMs: 3, worker: 0 }] as const;
    const result = simulate(options([200], { workers: two, events, busDelayMs: 1 }));
    // Known at 202 not to have been heard, then on its way for 1, and back for 1.
    expect(ends(result)).toEqual(['ok@214']);
    expect(result.workersLost).toBe(1);
  });

  it('costs a query nothing that never reached the dead worker', () => {
    const events = [0, 1, 2].map((worker) => ({ kind: 'crash', atMs: 3, worker }) as const);
    const result = simulate(options([200], { workers: [{ count: 4, deviceClass: 'd' }], events }));
    expect(result).toMatchObject({ ok: 1, failed: 0, workersLost: 3 });
  });

  it('of an idle worker is found out by its silence', () => {
    const events = [{ kind: 'crash', atMs: 103, worker: 0 }] as const;
    const result = simulate(options([0], { events, windowMs: 100 }));
    expect(result).toMatchObject({ ok: 1, workersLost: 1 });
    expect(result.windows.map(({ workersAlive }) => workersAlive)).toEqual([1, ...Array(9).fill(0)]);
  });

  it('leaves the end of a batch alone that is on its way already', () => {
    const crash = (atMs: number) => options([0], { events: [{ kind: 'crash', atMs, worker: 0 }], busDelayMs: 2 });
    expect(simulate(crash(13))).toMatchObject({ ok: 1 });
    expect(simulate(crash(11))).toMatchObject({ ok: 0, expired: 1 });
  });

  it('fails a query that was lost with two workers', () => {
    // The second takes it over at 25.
    const events = [0, 1].map((worker) => ({ kind: 'crash', atMs: 1 + 30 * worker, worker }) as const);
    const result = simulate(options([0], { models: patient, workers: two, events }));
    expect(result).toMatchObject({ failed: 1, workersLost: 2 });
  });

  it('can be found out after a time that is given', () => {
    const events = [{ kind: 'crash', atMs: 3, worker: 0 }] as const;
    expect(ends(simulate(options([0], { workers: two, events, detection: 4 })))).toEqual(['ok@17']);
  });
});

describe('a pause', () => {
  it('makes a batch later', () => {
    const events = [{ kind: 'pause', atMs: 5, worker: 0, forMs: 20 }] as const;
    const result = simulate(options([0, 40], { events }));
    expect(ends(result)).toEqual(['ok@30', 'ok@50']);
    expect(result.workersLost).toBe(0);
  });

  it('delays what is sent meanwhile', () => {
    const events = [{ kind: 'pause', atMs: 5, worker: 0, forMs: 20 }] as const;
    expect(ends(simulate(options([6], { events })))).toEqual(['ok@35']);
  });

  it('within another one makes a batch no later than both together', () => {
    const pause = (atMs: number, forMs: number) => ({ kind: 'pause', atMs, worker: 0, forMs }) as const;
    const endOf = (...events: ReturnType<typeof pause>[]) => ends(simulate(options([0], { events })));
    expect(endOf(pause(5, 20), pause(10, 5))).toEqual(['ok@30']);
    expect(endOf(pause(5, 20), pause(15, 20))).toEqual(['ok@40']);
  });

  it('that another one makes longer is found out as one', () => {
    const events = [
      { kind: 'pause', atMs: 5, worker: 0, forMs: 20 },
      { kind: 'pause', atMs: 20, worker: 0, forMs: 60 },
    ] as const;
    expect(ends(simulate(options([0], { workers: two, events, detection: 30 })))).toEqual(['ok@45']);
  });

  it('that is too long costs the worker its epoch, and it comes back under another', () => {
    const events = [{ kind: 'pause', atMs: 105, worker: 0, forMs: 900 }] as const;
    const trace = { arrivalsMs: Float64Array.of(100, 1_100), durationMs: 2_000 };
    const result = simulate(options([], { trace, models: patient, events, workers: two }));
    // Silent since its heartbeat at 100: lost in the round after 600.
    expect(ends(result)).toEqual(['ok@635', 'ok@1110']);
    expect(result.workersLost).toBe(1);
    const alone = simulate(options([], { trace, models: patient, events }));
    // Nobody else is there: it serves the query itself, once it is back.
    expect(ends(alone)).toEqual(['ok@1015', 'ok@1110']);
  });
});

describe('a worker that joins', () => {
  it('again serves under a new epoch', () => {
    const events = [
      { kind: 'crash', atMs: 3, worker: 0 },
      { kind: 'join', atMs: 60, worker: 0 },
    ] as const;
    const result = simulate(options([0, 70], { events }));
    expect(ends(result)).toEqual(['ok@70', 'ok@80']);
    expect(result.windows[0]?.workersAlive).toBe(1);
  });

  it('before its death was found out gives back what the old one held', () => {
    const events = [
      { kind: 'crash', atMs: 3, worker: 0 },
      { kind: 'join', atMs: 5, worker: 0 },
    ] as const;
    expect(ends(simulate(options([0], { events })))).toEqual(['ok@15']);
  });

  it('and dies before its report was through is found out as the life before it', () => {
    const events = [
      { kind: 'join', atMs: 3, worker: 0 },
      { kind: 'crash', atMs: 4, worker: 0 },
    ] as const;
    // Its batch left at 0 and is void since 3; it is asked for at 25, and the answer takes another 2 ms.
    const result = simulate(options([0], { workers: two, events, busDelayMs: 2 }));
    expect(ends(result)).toEqual(['ok@41']);
    expect(result.workersLost).toBe(1);
  });

  it('late serves from then on', () => {
    const workers = [{ count: 1, deviceClass: 'd', joinMs: 30 }];
    expect(ends(simulate(options([0], { workers })))).toEqual(['ok@40']);
  });
});

it('a worker that is not there is refused', () => {
  const events = [{ kind: 'crash', atMs: 3, worker: 1 }] as const;
  expect(() => simulate(options([0], { events }))).toThrow(/worker 1/);
  expect(() => simulate(options([0], { workers: [{ count: 1, deviceClass: 'e' }] }))).toThrow(/m on e/);
});
