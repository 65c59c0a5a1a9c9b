#!/usr/bin/env node
import { Interrupted, interruptSignal } from '@slackline/cli';
/** `npm run experiments`: reads the command line, runs the figures, prints the document. */
import { defaultPolicy } from '@slackline/scheduling';
import { CommanderError } from 'commander';
import { figures } from './figures/index.js';
import { chosen, list } from './frame/choose.js';
import { readOptions } from './frame/options.js';
import { progressOn } from './frame/progress.js';
import { runFigures } from './frame/run.js';

const signal = interruptSignal();
try {
  const options = readOptions(process.argv.slice(2), process.env);
  if (options.list) process.stdout.write(list(figures));
  else {
    const progress = progressOn(process.stderr);
    const { document, failed } = await runFigures(
      chosen(figures, options.names),
      { ...options, defaultPolicy, signal },
      progress,
    );
    if (options.json) process.stdout.write(`${JSON.stringify(document)}\n`);
    if (failed.length > 0) process.exitCode = 1;
  }
} catch (error) {
  // Commander and `chosen` have a sentence and a code of their own.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else if (error instanceof Interrupted) process.exitCode = error.exitCode;
  else throw error;
}
