/** Targets as a soak wants them: some processes are spared, and what was ended comes back for certain. */
import type { Target, Victim } from '../target/target.js';

const mostStarts = 4;

/**
 * One worker and one ingest are never ended, so that their memory can be followed over the whole soak. Of schedulers all are:
 * the one that leads is the one to hit.
 */
export function sparing(target: Target): Target {
  return {
    natsUrl: target.natsUrl,
    victims: async (role) =>
      (await target.victims(role)).filter(({ name }) => role === 'scheduler' || !name.endsWith('-0')),
  };
}

/** What was ended is started until it runs: its broker may be away just then. */
export function persistent(target: Target): Target {
  const started = (victim: Victim): Victim => ({
    ...victim,
    start: async () => {
      for (let tries = 1; ; tries++) {
        try {
          return await victim.start();
        } catch (error) {
          if (tries === mostStarts) throw error;
        }
      }
    },
  });
  return { natsUrl: target.natsUrl, victims: async (role) => (await target.victims(role)).map(started) };
}
