/** What becomes of a system that is offered many times what it can carry. */
import { SlacklineError } from '@slackline/shared';
import { slowed } from '../cells/device.js';
import { v100 } from '../cells/devices.js';
import type { Figure, FigureResult } from '../figure.js';
import { judged, reportOf } from './report.js';
import { type OverloadRun, type OverloadSettings, runOverload } from './run.js';

/** Few and slow workers: twenty times what they carry is still far from what one producer can send. */
const timesSlower = 40;
const quickTimesSlower = 80;

function settingsOf(quick: boolean): OverloadSettings {
  const { sloMs: _own, ...device } = v100();
  return quick
    ? {
        ...{ device: slowed(device, quickTimesSlower), workers: 2, sloMs: 1_440 },
        ...{ sweep: [0.5, 1], sweepSeconds: 1, overloads: [5], seconds: 2, calmSeconds: 1 },
      }
    : {
        ...{ device: slowed(device, timesSlower), workers: 2, sloMs: 960 },
        ...{ sweep: [0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.25], sweepSeconds: 20 },
        ...{ overloads: [2, 5, 20], seconds: 60, calmSeconds: 8 },
      };
}

export const overload: Figure = {
  name: 'overload',
  title: 'Far more than can be carried',
  summary: 'goodput, refusals, memory and recovery at 2, 5 and 20 times what the workers can carry; live',
  onlyByName: true,
  async run(context) {
    if (!context.live) return notRun('live runs were left out (--no-live)');
    try {
      const settings = settingsOf(context.quick);
      return resultOf(await runOverload(settings, context), settings);
    } catch (error) {
      context.signal.throwIfAborted();
      if (error instanceof SlacklineError && error.code === 'nats_server_missing') return notRun(error.message);
      throw error;
    }
  },
};

function resultOf(run: OverloadRun, settings: OverloadSettings): FigureResult {
  const { workers, sloMs, seconds } = settings;
  const { bound, peak, sweep, overloads, memory } = run;
  return {
    figures: {
      ...{ workers, sloMs, seconds, bound },
      peak: { goodput: peak.goodput, times: peak.times },
      sweep,
      overloads: overloads.map(({ moments: _moments, ...result }) => ({ ...result, ...judged(run, result) })),
      memory: memory.map(({ name, rss, heap }) => ({ name, rssBytes: mostOf(rss), heapBytes: mostOf(heap) })),
    },
    report: reportOf(run, settings),
  };
}

const mostOf = (points: readonly (readonly [number, number])[]) => Math.max(0, ...points.map(([, bytes]) => bytes));

function notRun(reason: string): FigureResult {
  return { figures: { skipped: reason }, report: { parts: [`Not run: ${reason}.`], plots: {} } };
}
