import { Tally } from '@slackline/load';
import { describe, expect, it } from 'vitest';
import { type RunTitle, runFrame, runLine } from './frame.js';
import { toSvg } from './svg.js';
import { bar, bold, type Line, percent, plain, sparkline } from './text.js';

const title: RunTitle = {
  model: 'fashion',
  workers: 2,
  executor: 'cpu',
  sloMs: 36,
  rate: 100,
  arrivals: 'gamma (k = 0.25)',
  seconds: 30,
};
const system = { queued: 3, inFlight: 8, workers: 1, workersLost: 1, meanBatch: 4.25 };

const query = { model: 0, sloMs: 36, minAccuracy: 0, priority: 'normal' } as const;

function figures() {
  const tally = new Tally({ models: ['fashion'], startedAtMs: 0 });
  const executor = 'cpu';
  for (let i = 0; i < 3; i++) {
    const reply = {
      kind: 'answered',
      outcome: 'ok',
      subnet: 'large',
      accuracy: 0.925,
      right: i > 0,
      executor,
      queueMs: 1,
      inferenceMs: 2,
      batchSize: 1,
    } as const;
    tally.received(tally.sent(i * 400, query), i * 400 + 5, reply);
  }
  tally.received(tally.sent(900, query), 910, { kind: 'dropped', outcome: 'expired' });
  return { ...tally.figures(1_000), duplicates: 0, startedAtMonotonicMs: 0, allSent: true };
}

const text = (lines: readonly Line[]) => lines.map((line) => line.map((span) => span.text).join('')).join('\n');

describe('the live view', () => {
  it('shows what the producer and the scheduler report', () => {
    const shown = text(runFrame(title, figures(), system));
    for (const part of [
      '1.0 of 30 s',
      '75.00 %',
      '92.50 %',
      '66.66 %',
      '3 waiting, 8 in flight',
      '1 of 2 workers',
      '1 lost',
    ]) {
      expect(shown).toContain(part);
    }
    expect(shown).toMatch(/large .* 100 % +█+/);
  });

  it('says the same in one line', () => {
    expect(runLine(title, figures(), system)).toMatch(
      /^1\/30 s \| [1-9]\d*\/s \| attainment 75.00 % .* queue 3 \| workers 1 \| large 3$/,
    );
  });

  it('needs neither queries nor telemetry', () => {
    const empty = {
      ...new Tally({ models: ['fashion'], startedAtMs: 0 }).figures(0),
      duplicates: 0,
      startedAtMonotonicMs: 0,
      allSent: true,
    };
    expect(text(runFrame(title, empty, undefined))).toContain('0.0 of 30 s');
    expect(runLine(title, empty, undefined)).not.toContain('NaN');
  });
});

describe('its parts', () => {
  it('never rounds a share up to all of it', () => {
    expect(percent(0.99999)).toBe('99.99 %');
    expect(percent(1)).toBe('100.00 %');
    expect(percent(0.29, 0)).toBe('29 %');
    expect(percent(null)).toBe('–');
  });

  it('draws values between their bounds, and nothing for nothing', () => {
    expect(sparkline([0, 0.5, 1, null, 2, -1], 0, 1)).toBe('▁▅█ █▁');
    expect(sparkline([5], 5, 5)).toBe('▁');
    expect([bar(0, 10), bar(0.001, 10), bar(1, 10)]).toEqual(['', '█', '██████████']);
  });

  it('puts text into a picture at its column, escaped', () => {
    const svg = toSvg([[plain('ab '), bold('  <c>')], []]);
    expect(svg).toContain('<text x="20.0" y="35" fill="#d7dae0" textLength="16.8"');
    expect(svg).toContain(`<text x="62.0" y="35"`);
    expect(svg).toContain('font-weight="bold">&lt;c&gt;</text>');
  });
});
