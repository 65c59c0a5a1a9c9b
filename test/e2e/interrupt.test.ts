/** Ctrl-C at any moment: the command ends, and nothing of it is left. */
import { describe, expect, it, vi } from 'vitest';
import { because, reasonToSkip, Slackline } from './slackline.js';

const limitMs = 120_000;

/** What the command has printed when it is interrupted. */
const moments: [string, RegExp][] = [
  ['the nats-server starts', /starting nats-server/],
  ['the nats-server is ready', /nats-server .*ready/],
  ['ingest is ready', /ingest ready/],
  ['the scheduler is ready', /scheduler ready/],
  ['the workers are ready', /gpu-workers ready/],
  ['it is under load', /attainment/],
];

describe.skipIf(reasonToSkip !== undefined)(`slackline that is interrupted${because}`, () => {
  it.each(moments)(
    'when %s, ends and leaves neither a process nor a file',
    async (_moment, printed) => {
      const run = await Slackline.start(['--seconds', '60', '--rate', '50', '--json']);
      try {
        await run.line(printed);
        run.signal('SIGINT');
        expect(await run.exited).toEqual({ code: 130, signal: null });
        expect(await run.survivors()).toEqual([]);
        expect(await run.leftovers()).toEqual([]);
      } finally {
        await run.cleanUp();
      }
    },
    limitMs,
  );

  it(
    'under load, still prints the result of what it has sent',
    async () => {
      const run = await Slackline.start(['--seconds', '60', '--rate', '50', '--json']);
      try {
        await run.line(/attainment/);
        run.signal('SIGTERM');
        expect(await run.exited).toEqual({ code: 143, signal: null });
        const result: unknown = JSON.parse(run.stdout.at(-1) ?? '');
        expect(result).toMatchObject({ interrupted: true, unanswered: 0 });
        expect(run.descendants.some(({ args }) => args.includes('gpu-worker'))).toBe(true);
        expect(await run.survivors()).toEqual([]);
      } finally {
        await run.cleanUp();
      }
    },
    limitMs,
  );

  it(
    'twice, kills everything at once',
    async () => {
      const run = await Slackline.start(['--seconds', '60', '--rate', '50', '--json']);
      try {
        await run.line(/attainment/);
        run.signal('SIGINT');
        // Two signals in the same moment are one Ctrl-C that npm passed on; a person needs longer for a second.
        await new Promise((resolve) => setTimeout(resolve, 350));
        run.signal('SIGINT');
        const { code, signal } = await run.exited;
        // Whoever has ended by itself within that time dies of the second one: shells call both 130.
        expect(code ?? signal).toBeOneOf([130, 'SIGINT']);
        // Nobody has waited for those that were killed.
        await vi.waitFor(async () => expect(await run.survivors()).toEqual([]), { timeout: 10_000, interval: 100 });
        expect(await run.leftovers()).toEqual([]);
      } finally {
        await run.cleanUp();
      }
    },
    limitMs,
  );
});

describe.skipIf(reasonToSkip !== undefined)(`slackline with a wrong option${because}`, () => {
  it('says so in one sentence and ends with 2, before it starts anything', async () => {
    const run = await Slackline.start(['--rate', 'many']);
    try {
      expect(await run.exited).toEqual({ code: 2, signal: null });
      expect(run.stderr).toHaveLength(1);
      expect(run.stderr[0]).toContain('--rate');
      expect(run.descendants).toEqual([]);
    } finally {
      await run.cleanUp();
    }
  });
});
