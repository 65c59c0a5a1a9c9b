/** What clients ask of the profiler: take a supernet, take a model away, measure a model anew. */
import {
  type Bus,
  type BusMessage,
  type Clock,
  Complaints,
  forbiddenReply,
  isAllowedReply,
  type Log,
  namePattern,
  pack,
  quote,
  refusal,
  remeasureRequest,
  removeRequest,
  SlacklineError,
  type Subjects,
  type Subscription,
  submitRequest,
  unpack,
} from '@slackline/shared';
import type { ProfilerConfig } from '../config.js';
import type { LatencyProfiles } from '../latency-profiles.js';
import type { Maker } from './maker.js';
import type { Submissions } from './submissions.js';

export interface RequestsDeps {
  bus: Bus;
  subjects: Subjects;
  submissions: Submissions;
  maker: Maker;
  profiles: LatencyProfiles;
  clock: Clock;
  log: Log;
}

/** One queue group: a second profiler by mistake does not answer twice. */
const queue = 'profiler';

/** A check takes about so long. */
const retryAfterMs = 5_000;

/** Answers until the subscriptions are drained. */
export function answerRequests(
  { ALLOWED_REPLY_PREFIXES: prefixes }: Pick<ProfilerConfig, 'ALLOWED_REPLY_PREFIXES'>,
  deps: RequestsDeps,
): Subscription[] {
  const { bus, subjects, submissions, maker, profiles, clock, log } = deps;
  const complaints = new Complaints(log, clock);
  const answer = (kind: 'submit' | 'remove' | 'measure', serve: (data: Uint8Array) => Promise<{ v: 1 }>) =>
    bus.subscribe(
      subjects.profiler(kind),
      ({ data, reply }: BusMessage) => {
        if (reply !== undefined && !isAllowedReply(reply, prefixes)) {
          // Not answered, since an answer is what the attack is after.
          complaints.warn(
            `${kind} forbidden_reply`,
            { kind, code: 'forbidden_reply' },
            forbiddenReply(reply, prefixes).message,
          );
          return;
        }
        serve(data)
          .then(
            (message) => reply !== undefined && bus.publish(reply, pack(message)),
            (error: unknown) => {
              const coded = asCoded(error);
              // An ordinary part of submitting: now the client uploads.
              const { code, message } = coded;
              if (code === 'submission_incomplete') log.debug({ kind, code }, message);
              else complaints.warn(`${kind} ${code}`, { kind, code }, message);
              const { data: body, headers } = refusal(coded, coded.code === 'overloaded' ? { retryAfterMs } : {});
              if (reply !== undefined) bus.publish(reply, body, { headers });
            },
          )
          .catch((error: unknown) => log.error({ kind, err: error }, 'a request could not be answered'));
      },
      { queue },
    );
  return [
    answer('submit', async (data) => submissions.submit(unpack('submit', submitRequest, data))),
    answer('remove', async (data) => {
      const { name } = unpack('remove', removeRequest, data);
      const submission = await submissions.abandon(name);
      const model = namePattern.test(name) && (await maker.remove(name));
      if (!model && !submission) throw unknown(name);
      return { v: 1, model, submission };
    }),
    answer('measure', async (data) => {
      const { name, deviceClass } = unpack('measure', remeasureRequest, data);
      const deviceClasses = profiles.again(name, deviceClass);
      if (deviceClasses.length > 0) return { v: 1, deviceClasses };
      if (!namePattern.test(name) || (await maker.published(name)) === undefined) throw unknown(name);
      const where = deviceClass === undefined ? '' : ` of the class ${quote(deviceClass)}`;
      throw new SlacklineError('unavailable', `No worker${where} that could be timed has ${name} loaded`);
    }),
  ];
}

function unknown(name: string): SlacklineError {
  return new SlacklineError('unknown_model', `There is no model ${quote(name)}`);
}

function asCoded(error: unknown): SlacklineError {
  if (error instanceof SlacklineError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new SlacklineError('submission_failed', reason, { cause: error });
}
