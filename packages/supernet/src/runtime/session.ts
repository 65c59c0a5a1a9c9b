/**
 * A supernet loaded once, switched between subnets in place. One run at a time; ONNX Runtime blocks the calling
 * thread for the whole of it.
 */
import * as ort from 'onnxruntime-node';
import { canonicalConfig } from '../config.js';
import { SupernetError } from '../errors.js';
import { checkStatistics, type HostedSubnet } from '../norms.js';
import { floatOutput, type TypedArray } from '../ort.js';
import type { Supernet, TensorSignature } from '../supernet.js';
import { openBlocked } from './blocked-form.js';
import type { Actuated, Form, FormName } from './form.js';
import { openPortable } from './portable-form.js';

export interface SessionOptions {
  /** `auto`: blocked where this machine and this network allow it, else portable. Default `auto`. */
  readonly form?: 'auto' | FormName;
  /** Threads inside one operator; default 1. */
  readonly threads?: number;
  /** Memory for the weights of the active and the recently active subnets; blocked form only. Default 32 MiB. */
  readonly actuatedBytes?: number;
}

const ACTUATED_BYTES = 32 * 2 ** 20;

export class SupernetSession {
  private active: Actuated | undefined;
  private readonly input: TensorSignature;
  private readonly rowElements: number;

  private constructor(
    readonly supernet: Supernet,
    readonly subnets: readonly HostedSubnet[],
    private readonly loaded: Form,
  ) {
    const [input] = supernet.inputs;
    if (input === undefined) throw new SupernetError('unsupported-model', 'The supernet has no input.');
    this.input = input;
    this.rowElements = input.shape.slice(1).reduce((product, size) => product * size, 1);
  }

  /**
   * Loads the supernet and actuates the first of `subnets`.
   * @throws SupernetError `invalid-config`, `invalid-statistics`, `blocked-unavailable` (only with form `blocked`)
   */
  static async open(
    supernet: Supernet,
    subnets: readonly HostedSubnet[],
    { form = 'auto', threads = 1, actuatedBytes = ACTUATED_BYTES }: SessionOptions = {},
  ): Promise<SupernetSession> {
    if (subnets.length === 0) throw new SupernetError('invalid-config', 'A session needs at least one subnet.');
    const hosted = subnets.map((subnet) => ({ ...subnet, config: canonicalConfig(supernet, subnet.config) }));
    for (const { config, statistics } of hosted) checkStatistics(supernet, config, statistics);
    const loaded = await load(supernet, hosted, form, threads, actuatedBytes);
    const session = new SupernetSession(supernet, hosted, loaded);
    session.actuate(0);
    return session;
  }

  get form(): FormName {
    return this.loaded.name;
  }

  /** Bytes of weights made for the active and the recently active subnets, beside the shared ones. */
  get actuatedBytes(): number {
    return this.loaded.actuatedBytes;
  }

  /**
   * Makes a hosted subnet the active one, and returns the milliseconds it took.
   * @throws SupernetError `invalid-config` when there is no such subnet
   */
  actuate(index: number): number {
    if (this.subnets[index] === undefined) {
      throw new SupernetError('invalid-config', `There is no subnet ${index}; ${this.subnets.length} are hosted.`);
    }
    const begun = performance.now();
    this.active = this.loaded.actuate(index);
    return performance.now() - begun;
  }

  /**
   * Runs the active subnet. `input` holds the rows one after the other; the answer has one array per output of the
   * supernet, row after row too.
   * @throws SupernetError `invalid-input` when the length does not fit the number of rows
   */
  async run(input: TypedArray, rows: number): Promise<Float32Array[]> {
    const { name, datatype, shape } = this.input;
    if (input.length !== rows * this.rowElements || rows < 1) {
      throw new SupernetError(
        'invalid-input',
        `${rows} rows of ${name} [${shape}] cannot have ${input.length} elements.`,
      );
    }
    if (this.active === undefined) throw new SupernetError('invalid-config', 'No subnet is active.');
    const { session, feeds } = this.active;
    feeds[name] = new ort.Tensor(datatype, input, [rows, ...shape.slice(1)]);
    const outputs = await session.run(feeds);
    return this.supernet.outputs.map((output) => floatOutput(outputs, output.name));
  }

  async release(): Promise<void> {
    await this.loaded.release();
  }
}

async function load(
  supernet: Supernet,
  subnets: readonly HostedSubnet[],
  form: 'auto' | FormName,
  threads: number,
  actuatedBytes: number,
): Promise<Form> {
  if (form === 'portable') return openPortable(supernet, subnets, threads);
  try {
    return await openBlocked(supernet, subnets, threads, actuatedBytes);
  } catch (error) {
    const unavailable = error instanceof SupernetError && error.code === 'blocked-unavailable';
    if (form === 'blocked' || !unavailable) throw error;
    return openPortable(supernet, subnets, threads);
  }
}
