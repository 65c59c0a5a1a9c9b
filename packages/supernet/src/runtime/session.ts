/**
 * A supernet loaded once, switched between subnets in place. One run at a time; ONNX Runtime blocks the calling
 * thread for the whole of it. In the blocked form the session keeps nothing of the Supernet or the statistics that it
 * was opened with, except the parameters as they stand in the file where each switch cuts the weights out of them.
 */
import { canonicalConfig } from '../config.js';
import { SupernetError } from '../errors.js';
import { checkStatistics, type HostedSubnet } from '../norms.js';
import { type ExecutionProvider, floatOutput, inputTensor, type TypedArray } from '../ort.js';
import type { Supernet, TensorSignature } from '../supernet.js';
import { openBlocked } from './blocked-form.js';
import type { Actuated, Form, FormName } from './form.js';
import { openPortable } from './portable-form.js';

export interface SessionOptions {
  /** What runs the graphs; `webgpu` and `cuda` take the portable form alone. Default `cpu`. */
  readonly executionProvider?: ExecutionProvider;
  /** `auto`: blocked where this machine and this network allow it, else portable. Default `auto`. */
  readonly form?: 'auto' | FormName;
  /** Threads inside one operator; default 1. */
  readonly threads?: number;
  /**
   * Memory for the weights of the active subnet and of others that were active before, so that going back to one of them
   * is free; blocked form only. With fed weights those used last are kept; with mapped ones each subnet has its place, and
   * where there is no room for all, subnets that share one drive each other out. Default 32 MiB.
   */
  readonly actuatedBytes?: number;
  /**
   * Graphs that may be open at once, each with some 0.2 MB and the memory of its activations; blocked form only. With as
   * many as subnets each runs in a graph of its own, which is fastest. Default 64, fewer where activations are large.
   */
  readonly maxGraphs?: number;
}

const ACTUATED_BYTES = 32 * 2 ** 20;
const MAX_GRAPHS = 64;

export class SupernetSession {
  private active: Actuated | undefined;
  private readonly input: TensorSignature;
  /** The run that is not over yet. */
  private running: Promise<unknown> | undefined;
  private released: Promise<void> | undefined;

  private constructor(
    inputs: readonly TensorSignature[],
    private readonly outputs: readonly TensorSignature[],
    /** The subnets that `actuate` can be told, by index. */
    readonly subnets: readonly Pick<HostedSubnet, 'id' | 'config'>[],
    private readonly loaded: Form,
  ) {
    const [input] = inputs;
    if (input === undefined) throw new SupernetError('unsupported-model', 'The supernet has no input.');
    this.input = input;
  }

  /**
   * Loads the supernet and actuates the first of `subnets`.
   * @throws SupernetError `invalid-config`, `invalid-statistics`, `blocked-unavailable` (only with form `blocked`)
   * @throws Error of ONNX Runtime where `executionProvider` does not work on this machine
   */
  static async open(
    supernet: Supernet,
    subnets: readonly HostedSubnet[],
    {
      executionProvider = 'cpu',
      form = 'auto',
      threads = 1,
      actuatedBytes = ACTUATED_BYTES,
      maxGraphs = MAX_GRAPHS,
    }: SessionOptions = {},
  ): Promise<SupernetSession> {
    if (subnets.length === 0) throw new SupernetError('invalid-config', 'A session needs at least one subnet.');
    const hosted = subnets.map((subnet): HostedSubnet => {
      const config = canonicalConfig(supernet, subnet.config);
      // Statistics may be decoded when they are read: hundreds of them should not be in memory at once.
      return {
        id: subnet.id,
        config,
        get statistics() {
          return subnet.statistics;
        },
      };
    });
    for (const subnet of hosted) checkStatistics(supernet, subnet.config, subnet.statistics);
    const loaded = await load(supernet, hosted, { executionProvider, form, threads, actuatedBytes, maxGraphs });
    const kept = hosted.map(({ id, config }) => ({ id, config }));
    const session = new SupernetSession(supernet.inputs, supernet.outputs, kept, loaded);
    session.actuate(0);
    return session;
  }

  get form(): FormName {
    return this.loaded.name;
  }

  /** Bytes held for the weights of the active subnet and of others that were active before, beside the shared ones. */
  get actuatedBytes(): number {
    return this.loaded.actuatedBytes;
  }

  /**
   * Makes a hosted subnet the active one, and returns the milliseconds it took. When it fails for any reason but its
   * arguments and the session's state, no subnet is active.
   * @throws SupernetError `invalid-config` when there is no such subnet, `session-busy`, `session-released`
   */
  actuate(index: number): number {
    if (this.subnets[index] === undefined) {
      throw new SupernetError('invalid-config', `There is no subnet ${index}; ${this.subnets.length} are hosted.`);
    }
    this.checkIdle();
    const begun = performance.now();
    this.active = undefined;
    this.active = this.loaded.actuate(index);
    return performance.now() - begun;
  }

  /**
   * Runs the active subnet. `input` holds the rows one after the other; the answer has one array per output of the
   * supernet, row after row too.
   * @throws SupernetError `invalid-input` when type or length do not fit, `session-busy`, `session-released`,
   *   `invalid-config` when no subnet is active
   */
  async run(input: TypedArray, rows: number): Promise<Float32Array[]> {
    this.checkIdle();
    const tensor = inputTensor(this.input, input, rows);
    if (this.active === undefined) throw new SupernetError('invalid-config', 'No subnet is active.');
    const { session, feeds } = this.active;
    feeds[this.input.name] = tensor;
    const pending = session.run(feeds);
    this.running = pending;
    try {
      const outputs = await pending;
      return this.outputs.map((output) => floatOutput(outputs, output.name));
    } finally {
      this.running = undefined;
    }
  }

  /** Waits for a run that is not over, and frees everything. Nothing can be asked of the session afterwards. */
  release(): Promise<void> {
    this.released ??= this.end();
    return this.released;
  }

  private async end(): Promise<void> {
    await this.running?.catch(() => undefined);
    this.active = undefined;
    await this.loaded.release();
  }

  private checkIdle(): void {
    if (this.released !== undefined) throw new SupernetError('session-released', 'The session was released.');
    if (this.running === undefined) return;
    throw new SupernetError('session-busy', 'The session is running a batch; wait until that run is over.');
  }
}

async function load(
  supernet: Supernet,
  subnets: readonly HostedSubnet[],
  { executionProvider, form, threads, actuatedBytes, maxGraphs }: Required<SessionOptions>,
): Promise<Form> {
  if (form === 'blocked' && executionProvider !== 'cpu') {
    throw new SupernetError(
      'blocked-unavailable',
      `The blocked form runs on the CPU alone, not on ${executionProvider}.`,
    );
  }
  const openPlain = () => openPortable(supernet, subnets, threads, executionProvider);
  if (form === 'portable' || executionProvider !== 'cpu') return openPlain();
  try {
    return await openBlocked(supernet, subnets, { threads, actuatedBytes, maxGraphs });
  } catch (error) {
    const unavailable = error instanceof SupernetError && error.code === 'blocked-unavailable';
    if (form === 'blocked' || !unavailable) throw error;
    return openPlain();
  }
}
