/** A peer of workers that pull JetStream themselves, and its open-loop producer, which publishes to the stream. */
import type { Sample } from '@slackline/load';
import { inCheckout } from '@slackline/local';
import { type Bus, connectBus } from '@slackline/shared';
import type { Contender, ContenderSettings, RunningContender } from '../contender.js';
import { Crew } from '../contenders/crew.js';
import { CheckedLoop } from './checked-loop.js';
import type { FixedSubnet } from './fixed-subnets.js';
import { queue } from './queue.js';

/** Processes run compiled code, also where this file runs as a source. */
const entry = inCheckout('bench/dist/peers/pull-worker.js');

export interface PullPeerOptions {
  name: string;
  subnet: FixedSubnet;
  sample: Sample;
  processes: number;
}

export function pullPeer({ name, ...options }: PullPeerOptions): Contender {
  return { name, start: (settings) => start(options, settings) };
}

async function start(
  { subnet, sample, processes }: Omit<PullPeerOptions, 'name'>,
  { storage, signal }: ContenderSettings,
): Promise<RunningContender> {
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
      ...queue.bounds,
      name: queue.stream,
      subjects: [queue.subject],
      retention: 'workqueue',
      discard: 'new',
      storage,
      replicas: 1,
    });
    const env = { NATS_URL: url, MODEL_FILE: subnet.file };
    const names = Array.from({ length: processes }, (_, worker) => `worker ${worker}`);
    await Promise.all(names.map((name) => crew.start({ name, entry, env })));
    const loop = producer(bus, sample, subnet.accuracy);
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

const radix = 36;

function producer(bus: Bus, sample: Sample, accuracy: number): CheckedLoop {
  const inbox = `${bus.newInbox()}.`;
  const publisher = bus.streamPublisher({
    said: (_, word) => {
      if (word instanceof Error) loop.failed();
    },
    denied: () => loop.failed(),
  });
  const loop = new CheckedLoop(sample, accuracy, (number, row) => {
    const id = number.toString(radix);
    publisher.send(queue.subject, row, { id, token: number, headers: { [queue.replyTo]: inbox + id } });
  });
  bus.subscribe(`${inbox}*`, ({ subject, data }) => {
    loop.answered(Number.parseInt(subject.slice(inbox.length), radix), data);
  });
  return loop;
}
