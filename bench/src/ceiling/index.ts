/**
 * The ceiling: what the messaging itself could do at most. Relays without any logic on the hops that a query of Slackline
 * takes: producer, ingest, work-queue stream, scheduler with acks, worker in batches, scheduler, producer.
 */

import { inCheckout } from '@slackline/local';
import { type Bus, connectBus } from '@slackline/shared';
import type { Contender, ContenderSettings, RunningContender } from '../contender.js';
import { Crew } from '../contenders/crew.js';
import { OpenLoop } from '../contenders/open-loop.js';
import { answerBytes, claimAboveBytes, stream, subjects } from './relays.js';

export const ceiling: Contender = { name: 'ceiling', start };

/** Processes run compiled code, also where this file runs as a source. */
const entry = inCheckout('bench/dist/ceiling/relay.js');
/** As the real stream is by default. */
const streamBounds = { maxMessages: 100_000, maxBytes: 512 * 1024 * 1024, duplicateWindowMs: 30_000 };

async function start({ storage, payloadBytes, signal }: ContenderSettings): Promise<RunningContender> {
  const crew = new Crew(signal);
  let bus: Bus | undefined;
  const stop = async () => {
    await bus?.close();
    bus = undefined;
    await crew.stop();
  };
  try {
    const { url } = await crew.startNats();
    bus = await connectBus({ url, name: 'load' });
    await bus.ensureStream({
      ...streamBounds,
      name: stream,
      subjects: [subjects.queries],
      retention: 'workqueue',
      discard: 'new',
      storage,
      replicas: 1,
    });
    const env = { NATS_URL: url, LOG_LEVEL: 'warn', CLAIMS: payloadBytes > claimAboveBytes ? '1' : '0' };
    await Promise.all(['ingest', 'scheduler', 'worker'].map((name) => crew.start({ name, entry, args: [name], env })));
    const loop = producer(bus, payloadBytes, (error) => crew.fail(error));
    return {
      step: (asked) => loop.step(asked, crew.signal),
      pids: () => ({ ...crew.pids(), load: process.pid }),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Bodies differ in their first byte, which the answer repeats: an answer to another query would be noticed. */
const marks = 256;
const radix = 36;

function producer(bus: Bus, payloadBytes: number, fail: (error: Error) => void): OpenLoop {
  const bodies = Array.from({ length: marks }, (_, mark) => new Uint8Array(payloadBytes).fill(mark, 0, 1));
  const inbox = `${bus.newInbox()}.`;
  const loop = new OpenLoop((number) => {
    const body = bodies[number % marks] ?? new Uint8Array(0);
    bus.publish(subjects.infer, body, { reply: inbox + number.toString(radix) });
  });
  bus.subscribe(`${inbox}*`, ({ subject, data }) => {
    const number = Number.parseInt(subject.slice(inbox.length), radix);
    if (data.length === answerBytes && data[0] === number % marks) loop.received(number);
    else fail(new Error(`query ${number} got another’s answer`));
  });
  return loop;
}
