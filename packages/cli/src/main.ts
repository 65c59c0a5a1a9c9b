#!/usr/bin/env node
/** The `slackline` command: reads the command line, runs one command, says in one sentence what went wrong. */
import { Command } from 'commander';
import { demo, exitCodeOf, printResult } from './commands/demo.js';
import { up } from './commands/up.js';
import { isExpected, OptionError } from './errors.js';
import { Interrupted, interruptSignal } from './interrupt.js';
import { addModelCommands } from './model-commands.js';
import { addLoadOptions, addSystemOptions, demoOptions, readOptions, systemOptions } from './options.js';

const signal = interruptSignal();
const program = new Command('slackline').description(
  'ML inference with deadlines over NATS. Without a command: demo (slackline demo --help lists its options).',
);

addLoadOptions(
  addSystemOptions(
    program
      .command('demo', { isDefault: true })
      .description('start a system, send it a bursty load, show what happens'),
  ),
).action(async (given: Record<string, unknown>) => {
  const choices = readOptions(demoOptions, given);
  printResult(await demo(choices, signal), choices.json);
  process.exitCode = exitCodeOf(signal);
});

addSystemOptions(program.command('up').description('start a system and leave it running for other producers')).action(
  async (given: Record<string, unknown>) => up(readOptions(systemOptions, given), signal),
);

addModelCommands(program, signal);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof Interrupted) process.exitCode = error.exitCode;
  else {
    process.exitCode = error instanceof OptionError ? error.exitCode : 1;
    process.stderr.write(
      isExpected(error) ? `${error.message}\n` : `${error instanceof Error ? error.stack : error}\n`,
    );
  }
}
