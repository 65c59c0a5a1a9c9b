/** What a person at a terminal can do about a refusal; the registry's advice is for producers and services. */
import { errorKinds, SlacklineError } from '@slackline/shared';
import { CommandError } from '../errors.js';

export async function withAdvice<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw error instanceof SlacklineError ? advised(error) : error;
  }
}

function advised(error: SlacklineError): Error {
  const { code, message } = error;
  if (code === 'no_responders') {
    const sentence = 'No profiler runs on this system. Start one, for instance with: npm start -- up';
    return new CommandError(sentence, { code, cause: error });
  }
  if (code === 'unknown_model') {
    const sentence = message.replace(errorKinds[code].advice, 'slackline models lists those that are served');
    return new CommandError(sentence, { code, cause: error });
  }
  return error;
}
