/**
 * What a figure is. Each is one file in `figures/` (or a folder of its own) that exports one `Figure` and stands in the
 * list of `figures/index.ts`; the frame runs it, writes its report and prints its figures.
 */
import type { Report } from './report/report.js';
import type { TaskPool } from './threads/pool.js';

export interface Figure {
  /** Its name on the command line, its key in the document of `--json`, and its report: results/<name>.md. */
  readonly name: string;
  readonly title: string;
  /** One line for `--list`. */
  readonly summary: string;
  /** Whether it runs only where it is named: it takes as long as all others together. */
  readonly onlyByName?: true;
  /**
   * @throws Skipped when something it needs is not on this machine
   * @throws the reason of `context.signal` when that aborts
   */
  run(context: FigureContext): Promise<FigureResult>;
}

/** What the frame gives to a figure. */
export interface FigureContext {
  /** Every seed of a figure derives from this one. */
  readonly seed: number;
  /** Settings so small that the figure takes a second or two: to try that it works, not to read anything off. */
  readonly quick: boolean;
  /** Whether parts may start real processes; without, they are left out and the report says so. */
  readonly live: boolean;
  /** Name of the policy that the scheduler uses unless told otherwise. */
  readonly defaultPolicy: string;
  /** Aborts on Ctrl-C: whatever the figure started must then end. */
  readonly signal: AbortSignal;
  /** Runs work on threads; see threads/task-kinds.ts. */
  readonly pool: TaskPool;
  /** Absolute path of a file of the data folder. @throws Skipped when it is not there */
  data(relative: string): string;
  /** Says what is under way; the next call replaces it. */
  progress(text: string): void;
}

export interface FigureResult {
  /** What `--json` prints under the figure's name: plain data. */
  readonly figures: object;
  readonly report: Report;
}

/** Something that a figure needs is not here. The figure is left out, with this as the reason; that is no failure. */
export class Skipped extends Error {
  override readonly name = 'Skipped';
}
