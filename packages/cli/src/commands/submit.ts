/** `submit`: hands a trained supernet to a running system and follows it until it is served. */
import { withoutCredentials } from '@slackline/shared';
import { type Connection, withConnection } from '../connection.js';
import { CommandError, Failed } from '../errors.js';
import type { ModelsChoices, SubmitChoices } from '../model-options.js';
import { withAdvice } from '../submission/advice.js';
import { readFiles } from '../submission/files.js';
import { follow, readModel, readRecord } from '../submission/follow.js';
import { progressText } from '../submission/progress-text.js';
import { type Submission, submit } from '../submission/submit.js';
import { type Screen, screenOn } from '../view/screen.js';
import { percent } from '../view/text.js';

/** Submits and follows. An interrupted command leaves the submission running, and says how to follow it again. */
export async function submitCommand(name: string, choices: SubmitChoices, signal: AbortSignal): Promise<void> {
  let state = 'refused';
  const onAccepted = () => {
    state = 'failed';
  };
  try {
    await submitAndFollow(name, choices, onAccepted, signal);
  } catch (error) {
    throw error === signal.reason ? error : new Failed({ name, state }, error);
  }
}

async function submitAndFollow(
  name: string,
  choices: SubmitChoices,
  onAccepted: () => void,
  signal: AbortSignal,
): Promise<void> {
  const { onnx, spec, calibration, validation, sloMs, quick, seed, front, replace, nats, json, detach } = choices;
  const screen = screenOn(json ? process.stderr : process.stdout);
  const [images, labels] = validation;
  const files = await readFiles({ onnx, spec, images, labels, ...(calibration !== undefined && { calibration }) });
  const options = { quick, seed, ...(front !== undefined && { front }) };
  await withConnection(
    nats,
    async (system) => {
      const request = { name, sloMs, options, replace, files };
      const { status, digest } = await handOver(system, request, screen, signal);
      onAccepted();
      if (status === 'unchanged') screen.note(`${name} is served already, made of just this`);
      else screen.note(status === 'accepted' ? `${name} is accepted` : `${name} is being made of just this already`);
      if (detach && status !== 'unchanged') return printState(name, { state: status, digest }, json);
      await followTo(system, { name, digest, status }, { nats, json, screen, signal });
    },
    signal,
  );
}

/** Submits, and says what became of it when it is interrupted: only while the profiler is asked can it be accepted. */
async function handOver(system: Connection, request: Submission, screen: Screen, signal: AbortSignal) {
  let asked = false;
  const onAsk = () => {
    asked = true;
    screen.progress('asking the profiler');
  };
  const onUpload = (bytes: number) => {
    asked = false;
    screen.progress(`uploading ${(bytes / 2 ** 20).toFixed(1)} MB`);
  };
  try {
    return await withAdvice(submit(system, request, { onAsk, onUpload }, signal)).finally(() => screen.clear());
  } catch (error) {
    if (error === signal.reason) screen.note(asked ? askedText : notSubmittedText);
    throw error;
  } finally {
    screen.done();
  }
}

const notSubmittedText = 'Nothing was submitted. Run the same command again to go on: files that are uploaded stay so';
const askedText = 'Interrupted before the profiler answered. Run the same command again to go on';

/** `models follow`: follows a submission that is under way. */
export async function followCommand(name: string, { nats, json }: ModelsChoices, signal: AbortSignal): Promise<void> {
  const screen = screenOn(json ? process.stderr : process.stdout);
  await withConnection(
    nats,
    async (system) => {
      const record = await readRecord(system.records, name);
      const digest = record?.digest ?? (await readModel(system.profiles, name))?.submission;
      if (digest === undefined)
        throw new CommandError(`There is no submission of ${name}.`, { code: 'unknown_submission' });
      await followTo(system, { name, digest, status: 'following' }, { nats, json, screen, signal });
    },
    signal,
  );
}

interface Following {
  nats: string | undefined;
  json: boolean;
  screen: Screen;
  signal: AbortSignal;
}

async function followTo(
  system: Connection,
  submission: { name: string; digest: string; status: string },
  { nats, json, screen, signal }: Following,
): Promise<void> {
  const { name, digest, status } = submission;
  const again = `slackline models follow ${name}${nats === undefined ? '' : ` --nats ${withoutCredentials(nats)}`}`;
  try {
    const entry = await follow(system, submission, (record, all) => screen.progress(progressText(record, all)), signal);
    const accuracies = entry.subnets.map(({ accuracy }) => accuracy);
    const range = `${percent(Math.min(...accuracies))} to ${percent(Math.max(...accuracies))}`;
    screen.clear();
    screen.note(`${name} is served on ${system.subjects.infer(name)}: ${entry.subnets.length} subnets, ${range}`);
    screen.done();
    const state = status === 'unchanged' ? 'unchanged' : 'published';
    printState(name, { state, digest, model: entry }, json);
  } catch (error) {
    screen.clear();
    if (error === signal.reason) screen.note(`The submission goes on. Follow it with: ${again}`);
    screen.done();
    throw error;
  }
}

function printState(name: string, state: object, json: boolean): void {
  if (json) process.stdout.write(`${JSON.stringify({ name, ...state })}\n`);
}
