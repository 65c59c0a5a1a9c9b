/** Steps as tests need them. */
import { type Step, wanted } from '../stage.js';

export const step = (contender: string, rate: number, attainment: number, kind: Step['kind'] = 'step'): Step => ({
  ...{ contender, kind, rate, seconds: 10, sent: 10 * rate, back: 10 * rate, within36: attainment, attainment },
  latencyMs: { p50: 10, p99: 30, p999: Number.NaN },
  sendLagMs: { p99: 6, p999: 7, max: 8 },
  ...{ duplicates: 0, unended: 0 },
  passed: attainment >= wanted,
  lagged: true,
  cpuSecondsPer1000: { load: 0.1, nats: 0.05 },
});
