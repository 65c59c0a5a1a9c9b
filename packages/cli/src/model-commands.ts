/** Registers the commands that talk to a running system: `submit` and `models`. */
import type { Command } from 'commander';
import { listCommand, profileCommand, removeCommand, showCommand } from './commands/models.js';
import { followCommand, submitCommand } from './commands/submit.js';
import {
  addConnectionOptions,
  addSubmitOptions,
  modelsOptions,
  profileOptions,
  showOptions,
  submitOptions,
} from './model-options.js';
import { readOptions } from './options.js';

type Given = Readonly<Record<string, unknown>>;

/** @param signal aborts when the person wants the command to end */
export function addModelCommands(program: Command, signal: AbortSignal): void {
  const add = (parent: Command, usage: string, description: string) =>
    addConnectionOptions(parent.command(usage).description(description));

  addSubmitOptions(
    add(program, 'submit <name>', 'hand a trained supernet to a running system and follow it until it is served'),
  ).action(async (name: string, given: Given) => submitCommand(name, readOptions(submitOptions, given), signal));

  const models = program.command('models').description('the models of a running system (default: list)');
  addConnectionOptions(models.command('list', { isDefault: true }))
    .description('what is served, and what is on its way')
    .action(async (given: Given) => listCommand(readOptions(modelsOptions, given)));
  add(models, 'show <name>', 'the pareto front of a model on every device class')
    .option('--svg <file>', 'write a plot of latency against accuracy')
    .action(async (name: string, given: Given) => showCommand(name, readOptions(showOptions, given)));
  add(models, 'follow <name>', 'follow a submission that is under way').action(async (name: string, given: Given) =>
    followCommand(name, readOptions(modelsOptions, given), signal),
  );
  add(models, 'remove <name>', 'take a model, and a pending submission of it, away').action(
    async (name: string, given: Given) => removeCommand(name, readOptions(modelsOptions, given)),
  );
  add(models, 'profile <name>', 'measure the latency of a model anew')
    .option('--device-class <name>', 'on this class only')
    .action(async (name: string, given: Given) => profileCommand(name, readOptions(profileOptions, given)));
}
