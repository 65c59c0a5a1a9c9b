/** Registers the commands that make and show traces. */
import type { Command } from 'commander';
import { makeCommand, showCommand } from './commands/trace.js';
import { readOptions } from './options.js';
import { traceMakeOptions, traceShowOptions } from './trace-options.js';

type Given = Readonly<Record<string, unknown>>;

const what = `

<trace> is one of
  a kind that is generated:  constant:rate=100  poisson:rate=100  gamma:rate=400,cv2=4
                             bursty:base=1500,variant=2950,cv2=8
                             accelerating:from=2500,to=4800,tau=250,at=10,cv2=8
                             diurnal:low=50,high=400,period=60
                             all with seconds=<s>,seed=<n>
  a file:                    JSON lines, a request log (CSV) or counts of Azure Functions (CSV), also packed (.gz)
  a file with options:       azure:file=day1.csv,file=day2.csv,seconds=120,rate=6400,spread=even
                             log:file=requests.csv,column=started,unit=ms,seconds=120,rate=400
                             jsonl:file=trace.jsonl.gz,seconds=120

docs/traces.md says more.`;

/** @param signal aborts when the person wants the command to end */
export function addTraceCommands(program: Command, signal: AbortSignal): void {
  const traces = program.command('trace').description('when queries arrive: make a trace, show what is in one');
  const add = (usage: string, description: string) =>
    traces
      .command(usage)
      .description(description)
      .addHelpText('after', what)
      .option('--seconds <s>', 'how long it lasts, where <trace> does not say (recorded ones are squeezed)')
      .option('--rate <n>', 'queries a second in the mean, where <trace> does not say (recorded ones are scaled)')
      .option('--seed <n>', 'of what is drawn, where <trace> does not say (default: 1)')
      .option('--json', 'print the result as one line of JSON on standard output; progress goes to standard error');

  add('show <trace>', 'how much comes, how unevenly, and the rate over time')
    .option('--svg <file>', 'write a plot of the rate over time')
    .option('--window <s>', 'of the rates in the plot and in the JSON (default: chosen by the length)')
    .action(async (text: string, given: Given) => showCommand(text, readOptions(traceShowOptions, given), signal));
  add('make <trace>', 'write a trace as JSON lines: generated, or read from another format')
    .requiredOption('--out <file>', 'required: where to write; packed when the name ends in .gz')
    .action(async (text: string, given: Given) => makeCommand(text, readOptions(traceMakeOptions, given), signal));
}
