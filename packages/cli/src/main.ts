#!/usr/bin/env node
/** The `slackline` command: reads the command line, runs one command, says in one sentence what went wrong. */
import { Command, CommanderError } from 'commander';
import { addChaosOptions, chaosOptions } from './chaos/options.js';
import { chaos } from './commands/chaos.js';
import { demo, exitCodeOf, printResult } from './commands/demo.js';
import { simulateCommand } from './commands/simulate.js';
import { soakCommand } from './commands/soak.js';
import { up } from './commands/up.js';
import { failureOf } from './errors.js';
import { Interrupted, interruptSignal } from './interrupt.js';
import { addModelCommands } from './model-commands.js';
import { addLoadOptions, addSystemOptions, demoOptions, readOptions, systemOptions } from './options.js';
import { addSimulateOptions, simulateOptions } from './simulate/options.js';
import { addSoakOptions, soakOptions } from './soak/options.js';
import { addTraceCommands } from './trace-commands.js';
import { wrongCall } from './wrong-call.js';

/** After an interruption was told, and everything that was started has ended. */
const lingerMs = 250;
const signal = interruptSignal();
const program = new Command('slackline')
  .description(
    'ML inference with deadlines over NATS. Without a command: demo (slackline demo --help lists its options).',
  )
  // Every command takes this over: a wrong call is said, and ends the process, as any other failure.
  .exitOverride()
  .configureOutput({ outputError: () => {} });

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

addSimulateOptions(
  program.command('simulate').description('serve a trace in simulated time, and compare policies on it'),
).action(async (given: Record<string, unknown>) => simulateCommand(readOptions(simulateOptions, given), signal));

addSoakOptions(
  program.command('soak').description('a mixed load under random faults: everything must come back to its level'),
).action(async (given: Record<string, unknown>) => {
  if (!(await soakCommand(readOptions(soakOptions, given), signal))) process.exitCode = 1;
});

addChaosOptions(
  program.command('chaos').description('do to a system what a bad day does, watch every query, pass a verdict'),
).action(async (given: Record<string, unknown>) => {
  const args = process.argv.slice(process.argv.indexOf('chaos') + 1);
  const verdict = await chaos(readOptions(chaosOptions, given), args, signal);
  process.exitCode = exitCodeOf(signal) || (verdict === 'fail' ? 1 : 0);
});

addModelCommands(program, signal);
addTraceCommands(program, signal);

try {
  await program.parseAsync();
} catch (thrown) {
  const error = thrown instanceof CommanderError ? wrongCall(program, process.argv.slice(2), thrown) : thrown;
  if (error instanceof Interrupted) {
    process.exitCode = error.exitCode;
    // What was broken off may still wait for its own time limits.
    setTimeout(() => process.exit(), lingerMs).unref();
  } else if (error !== undefined) {
    const { exitCode, text, document } = failureOf(error);
    process.exitCode = exitCode;
    if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify(document)}\n`);
    process.stderr.write(`${text}\n`);
  }
}
