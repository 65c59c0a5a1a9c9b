#!/usr/bin/env node
/** `npm run bench:bus`: reads the command line, runs the parts, writes results and prints the document. */
import { Interrupted, interruptSignal } from '@slackline/cli';
import { tameCollector } from '@slackline/shared';
import { CommanderError } from 'commander';
import { readOptions } from './options.js';
import { merged, readEarlier, writeResults } from './results.js';
import { runParts } from './run.js';
import { summaryOf } from './summary.js';

/** As shells and most commands say that they were called wrongly. */
const wronglyCalled = 2;
/** After an interruption, when everything that was started has ended: what was broken off may wait for its own limits. */
const lingerMs = 250;
const startedAtMs = performance.now();
// The load runs in this process: it is collected as the services are.
tameCollector();
const signal = interruptSignal();

/** A line on standard error: standard output is for results. */
function say(text: string): void {
  process.stderr.write(`[${((performance.now() - startedAtMs) / 1_000).toFixed(0).padStart(3)} s] ${text}\n`);
}

try {
  const options = readOptions(process.argv.slice(2), process.env);
  const earlier = options.out === undefined ? undefined : readEarlier(options.out);
  const result = await runParts(options, earlier, signal, say);
  if (options.out !== undefined) {
    writeResults(options.out, { ...result, document: merged(result.document, earlier) });
    say(`written to ${options.out}/bus.md`);
  } else say('nothing written: --out names a folder');
  process.stdout.write(options.json ? `${JSON.stringify(result.document)}\n` : summaryOf(result.document));
  if (result.failed.length > 0) process.exitCode = 1;
} catch (error) {
  // Commander has said what is wrong.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : wronglyCalled;
  else if (error instanceof Interrupted) {
    process.exitCode = error.exitCode;
    setTimeout(() => process.exit(), lingerMs).unref();
  } else {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  }
}
