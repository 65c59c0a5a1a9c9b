/** `trace`: makes a trace from a spec or a recording and writes it; shows what is in one. */
import { summarize, type Trace, writeJsonLines } from '@slackline/traces';
import { OptionError } from '../errors.js';
import type { TraceMakeChoices, TraceShowChoices } from '../trace-options.js';
import { readTrace } from '../traces/read.js';
import { showDocument, showSvg, showText } from '../traces/show.js';
import { screenOn } from '../view/screen.js';
import { grouped } from '../view/text.js';
import { writePlot } from '../write-plot.js';

/** Of rates over time: no picture and no reader has a use for more. */
const mostWindows = 100_000;

/** Writes JSON lines, packed when the name ends in `.gz`. */
export async function makeCommand(text: string, choices: TraceMakeChoices, signal: AbortSignal): Promise<void> {
  const trace = await read(text, choices, signal);
  await writeJsonLines(choices.out, trace, signal);
  const { queries, seconds } = summarize(trace);
  const said = `Wrote ${grouped(queries)} queries in ${seconds} s to ${choices.out}.\n`;
  print(choices.json ? { file: choices.out, trace: trace.name, ...summarize(trace) } : said);
}

export async function showCommand(text: string, choices: TraceShowChoices, signal: AbortSignal): Promise<void> {
  const trace = await read(text, choices, signal);
  const windowMs = choices.window === undefined ? undefined : choices.window * 1_000;
  if (windowMs !== undefined && windowMs > trace.durationMs)
    throw new OptionError(
      `--window takes at most the ${trace.durationMs / 1_000} seconds of the trace, not ${choices.window}`,
    );
  if (windowMs !== undefined && trace.durationMs / windowMs > mostWindows) {
    const least = Number((trace.durationMs / mostWindows / 1_000).toPrecision(3));
    throw new OptionError(
      `--window takes at least ${least} seconds for this trace (at most ${mostWindows} windows), not ${choices.window}`,
    );
  }
  if (choices.svg !== undefined) await writePlot(choices.svg, showSvg(trace, windowMs));
  print(choices.json ? showDocument(trace, windowMs) : showText(trace));
}

async function read(
  text: string,
  { seconds, rate, seed, json }: TraceMakeChoices | TraceShowChoices,
  signal: AbortSignal,
): Promise<Trace> {
  return readTrace(text, { seconds, rate, seed }, screenOn(json ? process.stderr : process.stdout), signal);
}

function print(result: object | string): void {
  process.stdout.write(typeof result === 'string' ? result : `${JSON.stringify(result)}\n`);
}
