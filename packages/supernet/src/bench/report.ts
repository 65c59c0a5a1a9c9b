/** The measurement as a document, as a table for the terminal, and as results/subnetact.md with its plots. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Document } from './document.js';
import type { Memory } from './memory.js';
import { plots } from './plots.js';
import type { Cell } from './ratios.js';

interface Goal {
  readonly what: string;
  readonly value: string;
  readonly goal: string;
  readonly met: boolean;
}

const MIB = 2 ** 20;
const mib = (bytes: number) => `${(bytes / MIB).toFixed(1)} MiB`;

export function goals({ actuatedOverExtracted, switchMs, switchOverLoad, memory, dynamicRange }: Document): Goal[] {
  const { steady, alternating } = actuatedOverExtracted;
  const atMost = (what: string, value: number, limit: number, unit = ''): Goal => {
    return { what, value: `${value.toFixed(3)}${unit}`, goal: `<= ${limit.toFixed(2)}${unit}`, met: value <= limit };
  };
  const atLeast = (what: string, value: number, limit: number): Goal => {
    return { what, value: value.toFixed(2), goal: `>= ${limit}`, met: value >= limit };
  };
  return [
    atMost('actuated over extracted, steady, median', steady.median, 1.05),
    atMost('actuated over extracted, steady, max', steady.max, 1.2),
    atMost('actuated over extracted, alternating, median', alternating.median, 1.25),
    atMost('actuated over extracted, alternating, max', alternating.max, 1.6),
    atMost('switch, median', switchMs.median, 1, ' ms'),
    atMost('switch, max', switchMs.max, 1, ' ms'),
    atLeast('loading the extracted session over a switch', switchOverLoad, 10),
    atLeast(`memory: six extracted over one supernet with ${memory.subnets} subnets`, memory.ratio, 2.6),
    {
      what: "one subnet's statistics over the shared weights",
      value: `1/${Math.round(1 / memory.statisticsShare)}`,
      goal: '<= 1/100',
      met: memory.statisticsShare <= 0.01,
    },
    atLeast('dynamic range within 6 points of accuracy', dynamicRange, 4),
  ];
}

/** For the terminal. */
export function table(document: Document): string {
  const rows = goals(document);
  const width = Math.max(...rows.map(({ what }) => what.length));
  const line = ({ what, value, goal, met }: Goal) =>
    `${what.padEnd(width)}  ${value.padStart(10)}  ${goal.padEnd(12)}${met ? '' : '  not met'}`;
  return rows.map(line).join('\n');
}

/** Writes subnetact.md and the plots it shows. */
export function writeReport(folder: string, document: Document): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, svg] of Object.entries(plots(document))) writeFileSync(join(folder, name), svg);
  writeFileSync(join(folder, 'subnetact.md'), `${markdown(document)}\n`);
}

function markdown(document: Document): string {
  const { machine, model, quick, memory, detail } = document;
  const goalRows = goals(document).map(({ what, value, goal, met }) => [what, value, goal, met ? 'yes' : '**no**']);
  const layout = machine.blockSize === undefined ? 'no blocked layout' : `blocks of ${machine.blockSize} channels`;
  return [
    '# SubNetAct: speed and memory',
    '',
    `Written by \`npm run bench:subnetact${quick ? ' -- --quick' : ''}\`: do not edit. Measured on ${machine.cpu}, ` +
      `${machine.cores} cores, ${machine.memoryGiB} GiB; node ${machine.node}, onnxruntime-node ` +
      `${machine.onnxruntime} (CPU, one thread per session; ${layout}; mapped weights ` +
      `${machine.mapping ? 'work' : 'do not work'} here). Model: ${model}.`,
    '',
    'The same session options are behind every figure: the defaults. Both sides of a ratio ran in turn in one process',
    '(speed) or in processes of their own (memory); times are medians.',
    '',
    ...grid(['measure', 'value', 'goal', 'met'], goalRows),
    '',
    '![Ratios](subnetact-ratios.svg)',
    '![Throughput](subnetact-throughput.svg)',
    '![Memory](subnetact-memory.svg)',
    '',
    '## Actuated over extracted',
    '',
    'Extracted: the subnet as a static ONNX file, loaded with all of ONNX Runtime’s optimizations. *Steady*: the subnet',
    'stays. *Alternating*: another subnet before every run on both sides, the switch counted. *Anew*: the same in a',
    'session with room for one actuated subnet, so that every switch makes all weights.',
    '',
    ...grid(
      ['subnet', 'batch', 'extracted ms', 'actuated ms', 'steady', 'alternating', 'anew', 'rounds'],
      cells(detail.cells),
    ),
    '',
    '## Switching',
    '',
    'Making all weights of the subnet, right after another one ran, against loading its extracted session from memory.',
    '',
    ...grid(
      ['subnet', 'switch ms', 'load ms', 'load over switch'],
      detail.switches.map(({ subnet, switchMs, loadMs, loadOverSwitch }) => {
        return [subnet, switchMs.toFixed(3), loadMs.toFixed(2), loadOverSwitch.toFixed(1)];
      }),
    ),
    '',
    '## Throughput',
    '',
    ...grid(
      ['subnet', 'accuracy', 'best batch', 'queries/s on one core'],
      detail.throughputs.map(({ subnet, accuracy, batch, queriesPerSecond }) => {
        return [subnet, accuracy.toFixed(4), String(batch), queriesPerSecond.toFixed(0)];
      }),
    ),
    '',
    '## Memory',
    '',
    'Growth of resident memory over a process that had run a trivial model, each side in a process of its own, after',
    `${quick ? 2 : 20} runs of each subnet at batch 16: one supernet, switching over the subnets named below, against`,
    'those subnets extracted and loaded side by side. *Loaded* is before the first run.',
    '',
    ...grid(
      ['', `ResNet-50-sized, ${millions(memory)}`, `${model}, ${millions(detail.shippedModelMemory)}`],
      memoryRows(memory, detail.shippedModelMemory),
    ),
    '',
    `The ResNet-50-sized network has random weights. Subnets that ran: ${memory.chosen.map((id) => `\`${id}\``).join(', ')}.`,
  ].join('\n');
}

const millions = ({ parameters }: Memory) => `${(parameters / 1e6).toFixed(1)} M parameters`;

function memoryRows(...of: Memory[]): string[][] {
  return [
    ['subnets hosted', ...of.map(({ subnets }) => String(subnets))],
    ['one supernet', ...of.map(({ supernetBytes }) => mib(supernetBytes))],
    ['extracted subnets', ...of.map(({ sixExtractedBytes, chosen }) => `${mib(sixExtractedBytes)} (${chosen.length})`)],
    ['ratio', ...of.map(({ ratio }) => ratio.toFixed(2))],
    ['one supernet, loaded', ...of.map(({ loaded }) => mib(loaded.supernetBytes))],
    ['extracted subnets, loaded', ...of.map(({ loaded }) => mib(loaded.sixExtractedBytes))],
    ['room for actuated weights', ...of.map(({ actuatedBytes }) => mib(actuatedBytes))],
    [
      "one subnet's statistics over the weights",
      ...of.map(({ statisticsShare }) => `1/${Math.round(1 / statisticsShare)}`),
    ],
  ];
}

function cells(all: readonly Cell[]): string[][] {
  return all.map(({ subnet, batch, extractedMs, actuatedMs, steady, alternating, anew, rounds }) => [
    subnet,
    String(batch),
    ...[extractedMs, actuatedMs, steady, alternating, anew].map((value) => value.toFixed(3)),
    String(rounds),
  ]);
}

function grid(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`);
}
