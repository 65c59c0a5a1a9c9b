import { describe, expect, it } from 'vitest';
import { done, soundRun, withFaults, withQueries } from '../testing/sound-run.js';
import { readHypothesis } from '../verdict/hypothesis.js';
import { verdictOn } from '../verdict/verdict.js';
import { documentOf, type RunFacts } from './document.js';
import { markdown } from './markdown.js';
import { timeRows } from './rows.js';
import { text } from './text.js';
import { timelineSvg } from './timeline.js';

const facts: RunFacts = {
  ...{ model: 'imagenet', preset: null, replay: 'npx slackline chaos --kill worker --seed 1', seed: 1, seconds: 10 },
  ...{ sloMs: 100, policy: 'budgetfit', executor: 'emulated', storage: 'file', workers: 2, schedulers: 1, ingests: 1 },
  ...{ arrivals: 'gamma', sendLagMs: { p99: 1, max: 2 }, notes: ['Four could not bear it.'], interrupted: false },
};

const spoiled = withQueries(withFaults(soundRun(), done({ atMs: 5_000 }, { victim: 'w-0' })), ({ dueMs }) => {
  if (dueMs < 5_000) return undefined;
  return dueMs < 5_200 ? { outcome: 'expired', accuracy: null } : { accuracy: 0.75 };
});
const document = documentOf(facts, spoiled, verdictOn(spoiled, [readHypothesis('attainment>=0.99')]));

describe('the report of a run', () => {
  it('has the metrics at the head of its JSON, and windows that add up', () => {
    expect(document).toMatchObject({
      ...{
        verdict: 'fail',
        killed: 1,
        lost: 0,
        duplicatesVisible: 0,
        attainment: 0.98,
        accuracyFirst: 0.8,
        accuracyLast: 0.75,
      },
      ...{ detectionMs: null, recoveryMs: { count: 1 }, faults: [{ kind: 'kill', victim: 'w-0', atMs: 5_000 }] },
    });
    expect(document.windows.reduce((sum, { sent }) => sum + sent, 0)).toBe(1_000);
    expect(document.windows.reduce((sum, { ok }) => sum + ok, 0)).toBe(980);
    expect(JSON.parse(JSON.stringify(document))).toEqual(document);
  });

  it('tells a person what was lost, what was found, and how to run it again', () => {
    for (const told of [markdown(document), text(document)]) {
      expect(told).toContain('1 × kill worker: attainment 0.9800, accuracy 80.00 to 75.00 %, nothing lost: fail');
      expect(told).toContain('Four could not bear it.');
      expect(told).toContain('attainment>=0.99');
      expect(told).toContain('0.98');
      expect(told).toContain('every accepted query has exactly one outcome');
      expect(told).toContain('npx slackline chaos --kill worker --seed 1');
    }
  });

  it('says which share is wanted back where less was attained before the first fault', () => {
    const name = (attainmentBefore: number) =>
      timeRows({ ...document, faults: document.faults.map((fault) => ({ ...fault, attainmentBefore })) }).rows.at(
        -1,
      )?.[0];
    expect(name(0.95)).toBe('recovery (to 0.9500, as before the first fault)');
    expect(name(1)).toBe('recovery');
  });

  it('has whole workers on the axis, however few there are', () => {
    const [, workers = ''] = timelineSvg(document).split('>Workers heard<');
    const ticks = [...workers.matchAll(/>(\d+(?:\.\d+)?)</g)].map(([, tick]) => Number(tick));
    expect(ticks.length).toBeGreaterThan(5);
    for (const tick of ticks) expect(Number.isInteger(tick)).toBe(true);
  });

  it('draws rate, attainment, accuracy and workers with the fault in each', () => {
    const svg = timelineSvg(document);
    for (const title of ['Load', 'SLO attainment', 'Accuracy of the answers in time', 'Workers heard']) {
      expect(svg).toContain(`>${title}<`);
    }
    expect(svg).toContain('>kill w-0<');
    expect(svg.match(/stroke-dasharray/g)).toHaveLength(4);
    expect(svg.match(/fill-opacity="0.14"/g)).toHaveLength(4);
    expect(svg).not.toContain('NaN');
  });

  it('shades what was never undone to the end, and no darker where more is shaded', () => {
    const dead = withFaults(spoiled, done({ atMs: 2_000 }), done({ atMs: 4_000 }), done({ atMs: 9_000 }));
    const svg = timelineSvg(documentOf(facts, dead, verdictOn(dead, [])));
    const areas = [...svg.matchAll(/<rect x="([^"]+)" y="[^"]+" width="([^"]+)"[^>]*fill-opacity/g)];
    expect(areas).toHaveLength(4);
    for (const [, x, width] of areas) expect(Number(x) + Number(width)).toBe(880);
  });

  it('names no faults in the picture where there are too many to be read', () => {
    const many = withFaults(spoiled, ...Array.from({ length: 30 }, (_, i) => done({ atMs: 200 * i + 500 })));
    expect(timelineSvg(documentOf(facts, many, verdictOn(many, [])))).not.toContain('>kill w-0<');
  });
});
