/** `up`: starts a system and leaves it running for other producers. */
import { type ModelEntry, SlacklineError, withoutCredentials } from '@slackline/shared';
import { unlessAborted } from '../interrupt.js';
import type { SystemChoices } from '../options.js';
import { type Serving, startServing } from '../serving.js';
import { screenOn } from '../view/screen.js';
import { listenerOn } from './demo.js';

/** Runs until `signal` aborts, which is its ordinary end. Throws `service_failed` when the broker or a service ends by itself. */
export async function up(choices: SystemChoices, signal: AbortSignal): Promise<void> {
  const screen = screenOn(choices.json ? process.stderr : process.stdout);
  const serving = await startServing(choices, listenerOn(screen), signal);
  try {
    screen.done();
    process.stdout.write(choices.json ? `${JSON.stringify(connectionOf(serving))}\n` : guide(serving));
    await unlessAborted(signal, broken(serving, choices.restore)).catch((error: unknown) => {
      if (error !== signal.reason) throw error;
    });
  } finally {
    await serving.stop();
  }
}

/** What a producer needs to know; the models as the Open Inference Protocol describes them. */
function connectionOf({ system, models }: Serving) {
  const described = models.map(({ entry: { name, inputs, outputs, sloMs } }) => ({ name, inputs, outputs, sloMs }));
  return { natsUrl: withoutCredentials(system.natsUrl), models: described };
}

/** Rejects when the system cannot go on: without its broker, ingest or scheduler nothing is served, unless they come back. */
async function broken({ system }: Serving, isRestored: boolean): Promise<never> {
  const needed = isRestored ? [] : [system.service('ingest-0'), system.service('scheduler-0')];
  const ends = needed.map(({ name, exited }) => exited.then(() => name));
  if (system.natsServer !== undefined) ends.push(system.natsServer.exited.then(() => 'nats-server'));
  throw new SlacklineError('service_failed', `${await Promise.race(ends)} has ended`);
}

function guide({ system, subjects, model }: Serving): string {
  const subject = subjects.infer(model.name);
  const natsUrl = withoutCredentials(system.natsUrl);
  return `
Slackline serves ${model.name} at ${natsUrl}
Ctrl-C stops it.

  queries     ${subject}   body: ${inputText(model)}, as raw bytes, JSON or msgpack (Content-Type)
  limit       header Slo-Ms (default ${model.sloMs}) or Deadline
  answers     to the reply subject, or ${subjects.results(model.name, '<key>')} in the stream ${subjects.stores.results}
  services    nats --server ${natsUrl} micro ls

With the nats command line (an empty image):
  head -c 784 /dev/zero | nats --server ${natsUrl} request ${subject} -H Slo-Ms:${model.sloMs} --raw

With our client:
  import { connect } from '@slackline/client';
  const client = await connect({ url: '${natsUrl}' });
  const answer = await client.infer('${model.name}', new Uint8Array(784), { sloMs: ${model.sloMs} });

A supernet of your own (docs/models.md), in another terminal:
  export NATS_URL=${natsUrl}
  npx slackline submit <name> --onnx net.onnx --spec net.json --calibration images.npy --validation images.npy,labels.npy
  npx slackline models

`;
}

function inputText({ inputs }: ModelEntry): string {
  return inputs.map((input) => `${input.name} ${input.datatype} [1,${input.shape.slice(1).join(',')}]`).join(', ');
}
