/** What a person can do where no profiler answers. */
import { SlacklineError } from '@slackline/shared';
import { CommandError } from '../errors.js';

/** "Nobody listens" means to a person that a service is not running. */
export async function withAdvice<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof SlacklineError) || error.code !== 'no_responders') throw error;
    throw new CommandError('No profiler runs on this system. Start one, for instance with: npm start -- up', {
      cause: error,
    });
  }
}
