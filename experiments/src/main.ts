#!/usr/bin/env node
/** `npm run experiments`: reads the command line, runs the figures, prints the document. */
import { Interrupted, interruptSignal } from '@slackline/cli';
import { defaultPolicy } from '@slackline/scheduling';
import { CommanderError } from 'commander';
import { figures } from './figures/index.js';
import { chosen, list, UnknownFigure } from './frame/choose.js';
import { readOptions } from './frame/options.js';
import { progressOn } from './frame/progress.js';
import { runFigures } from './frame/run.js';

/** After an interruption, when everything that was started has ended: what was broken off may wait for its own limits. */
const lingerMs = 250;
/** As shells and most commands say that they were called wrongly. */
const wronglyCalled = 2;
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
  // Commander has said what is wrong.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : wronglyCalled;
  else if (error instanceof UnknownFigure) {
    process.exitCode = wronglyCalled;
    process.stderr.write(`${error.message}\n`);
  } else if (error instanceof Interrupted) {
    process.exitCode = error.exitCode;
    setTimeout(() => process.exit(), lingerMs).unref();
  } else throw error;
}
