/** What only the one who started a system can do to it, or choose: refused with `--nats` before anything is sent. */
import { CommandError, OptionError, wronglyCalled } from '../errors.js';
import type { ChaosChoices } from './options.js';
import type { ChaosSetup } from './setup.js';

/** Options of a system that is started here. */
const ownOptions = [
  ...['--model', '--workers', '--executor', '--device-profile', '--policy', '--schedulers', '--ingests', '--storage'],
  ...['--store', '--logs', '--restore'],
];

/**
 * @param args as they were given: what has a default cannot be told from what was said otherwise
 * Throws `OptionError`, and `chaos_unsupported`.
 */
export function checkRunning(
  args: readonly string[],
  choices: ChaosChoices,
  { series, restoreMs, rate }: ChaosSetup,
): void {
  const own = ownOptions.find((option) => args.some((arg) => arg === option || arg.startsWith(`${option}=`)));
  if (own !== undefined) {
    const why = own === '--restore' ? '; whoever started it starts its processes again' : '';
    throw new OptionError(
      `${own} is for a system that is started here, and --nats names one that runs: leave out ${own}${why}`,
    );
  }
  const unsupported = series.flatMap((each) => {
    const { kind, role } = each;
    const restores = kind === 'kill' && (each.restoreMs ?? restoreMs) !== undefined;
    if (role === 'nats' || kind === 'cut' || kind === 'restart') return [`${kind} ${role}`];
    return restores ? [`${kind} ${role} with restore`] : [];
  });
  const [what] = unsupported;
  if (what !== undefined) throw cannot(what, choices);
  if (rate === undefined && choices.trace === undefined) {
    throw new OptionError('--rate must say how much that system is to be sent: it is needed with --nats');
  }
}

function cannot(what: string, { preset, ...choices }: ChaosChoices): CommandError {
  const said = [choices.kill, choices.pause, choices.cut, choices.restart].some((faults) => faults.length > 0);
  const ofPreset = preset !== undefined && !said;
  const todo = ofPreset
    ? `leave out --preset ${preset}, and say --kill or --pause of a worker, scheduler or ingest`
    : what.endsWith('restore')
      ? 'leave out restore=, for whoever started them starts them again'
      : 'leave it out, and choose --kill or --pause of a worker, scheduler or ingest';
  const whose = ofPreset ? `what --preset ${preset} does: ${what}` : `this fault: ${what}`;
  return new CommandError(
    `A system that runs already cannot be given ${whose}. Only its processes on this host can be killed and paused: ${todo}.`,
    { code: 'chaos_unsupported', exitCode: wronglyCalled },
  );
}
