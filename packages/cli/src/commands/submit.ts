/** `submit`: hands a trained supernet to a running system and follows it until it is served. */
import { SlacklineError } from '@slackline/shared';
import { type Connection, withConnection } from '../connection.js';
import { CommandError } from '../errors.js';
import type { ModelsChoices, SubmitChoices } from '../model-options.js';
import { withAdvice } from '../submission/advice.js';
import { readFiles } from '../submission/files.js';
import { follow, readModel, readRecord } from '../submission/follow.js';
import { progressText } from '../submission/progress-text.js';
import { submit } from '../submission/submit.js';
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
    // A program reads the code; a person reads the sentence on standard error, which is written in any case.
    if (error instanceof SlacklineError) {
      const { code, message } = error;
      printState(name, { state, error: { code, message } }, choices.json);
    }
    throw error;
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
  await withConnection(nats, async (system) => {
    screen.progress('asking the profiler');
    const onUpload = (bytes: number) => screen.progress(`uploading ${(bytes / 2 ** 20).toFixed(1)} MB`);
    const request = { name, sloMs, options, replace, files };
    const { status, digest } = await withAdvice(submit(system, request, onUpload));
    onAccepted();
    if (status === 'unchanged') screen.note(`${name} is served already, made of just this`);
    else screen.note(status === 'accepted' ? `${name} is accepted` : `${name} is being made of just this already`);
    if (detach && status !== 'unchanged') return printState(name, { state: status, digest }, json);
    await followTo(system, { name, digest, status }, { nats, json, screen, signal });
  });
}

/** `models follow`: follows a submission that is under way. */
export async function followCommand(name: string, { nats, json }: ModelsChoices, signal: AbortSignal): Promise<void> {
  const screen = screenOn(json ? process.stderr : process.stdout);
  await withConnection(nats, async (system) => {
    const record = await readRecord(system.records, name);
    const digest = record?.digest ?? (await readModel(system.profiles, name))?.submission;
    if (digest === undefined) throw new CommandError(`There is no submission of ${name}.`);
    await followTo(system, { name, digest, status: 'following' }, { nats, json, screen, signal });
  });
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
  const again = `slackline models follow ${name}${nats === undefined ? '' : ` --nats ${nats}`}`;
  try {
    const entry = await follow(system, submission, (record) => screen.progress(progressText(record)), signal);
    const accuracies = entry.subnets.map(({ accuracy }) => accuracy);
    const range = `${percent(Math.min(...accuracies))} to ${percent(Math.max(...accuracies))}`;
    screen.note(`${name} is served on ${system.subjects.infer(name)}: ${entry.subnets.length} subnets, ${range}`);
    screen.done();
    const state = status === 'unchanged' ? 'unchanged' : 'published';
    printState(name, { state, digest, model: entry }, json);
  } catch (error) {
    if (error === signal.reason) screen.note(`The submission goes on. Follow it with: ${again}`);
    screen.done();
    throw error;
  }
}

function printState(name: string, state: object, json: boolean): void {
  if (json) process.stdout.write(`${JSON.stringify({ name, ...state })}\n`);
}
