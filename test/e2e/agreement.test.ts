/** Whether the simulator tells what the real system does: the same 20 s of load on both. */
import { defaultPolicy } from '@slackline/scheduling';
import { describe, expect, it } from 'vitest';
import { differencesOf, playBoth, toText } from './agreement.js';
import { because, reasonToSkip } from './slackline.js';

const mostStallMs = 150;

describe.skipIf(reasonToSkip !== undefined)(`live and simulated${because}`, () => {
  it.each(['slackfit', defaultPolicy])(
    'agree on attainment, accuracy and the share of every subnet: %s',
    async (policy) => {
      // A machine that stood still for a good part of a time limit played another load than the simulator.
      let both = await playBoth(policy);
      for (let again = 0; again < 2 && both.stallMs > mostStallMs; again += 1) both = await playBoth(policy);
      const { attainment, accuracy, share } = differencesOf(both);
      const text = toText(both);
      console.info(text);
      // Every query counts on both sides, and the load is one under which accuracy bends.
      expect(both.live.accepted).toBe(both.simulated.accepted);
      expect(Object.values(both.simulated.shares).filter((each) => each > 0.01).length).toBeGreaterThanOrEqual(3);
      expect(attainment, text).toBeLessThanOrEqual(0.01);
      expect(accuracy, text).toBeLessThanOrEqual(0.005);
      expect(share, text).toBeLessThanOrEqual(0.1);
    },
    240_000,
  );
});
