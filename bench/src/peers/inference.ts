/** A fixed subnet in ONNX Runtime, as a program uses it that has one core and knows its runtime. */
import * as ort from 'onnxruntime-node';

/** Rows that run together at most. */
export const mostRows = 16;

export class Inference {
  readonly #rowBytes: number;
  /** Memory of batches, one after the other. */
  readonly #rows: Uint8Array;
  /** For each number of rows; all of them begin in the same memory. */
  readonly #feeds: readonly ort.InferenceSession.FeedsType[];

  private constructor(private readonly session: ort.InferenceSession) {
    const [input] = session.inputMetadata;
    if (input === undefined || !input.isTensor || input.type !== 'uint8') throw new Error('peers send rows of uint8');
    const sizes = input.shape.slice(1).map(Number);
    this.#rowBytes = sizes.reduce((product, size) => product * size, 1);
    this.#rows = new Uint8Array(mostRows * this.#rowBytes);
    this.#feeds = Array.from({ length: mostRows }, (_, i) => {
      const data = this.#rows.subarray(0, (i + 1) * this.#rowBytes);
      return { [input.name]: new ort.Tensor('uint8', data, [i + 1, ...sizes]) };
    });
  }

  /** Opens a subnet with one thread, and runs it once with every number of rows. */
  static async open(file: string): Promise<Inference> {
    const session = await ort.InferenceSession.create(file, {
      executionProviders: ['cpu'],
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      interOpNumThreads: 1,
      intraOpNumThreads: 1,
      logSeverityLevel: 3,
    });
    const inference = new Inference(session);
    const row = new Uint8Array(inference.#rowBytes);
    for (let rows = 1; rows <= mostRows; rows++) await inference.run(new Array<Uint8Array>(rows).fill(row));
    return inference;
  }

  isRow(body: Uint8Array): boolean {
    return body.length === this.#rowBytes;
  }

  /** The logits of each row as bytes. One run at a time; between 1 and `mostRows` rows. */
  async run(rows: readonly Uint8Array[]): Promise<Uint8Array[]> {
    rows.forEach((row, i) => {
      this.#rows.set(row, i * this.#rowBytes);
    });
    const feeds = this.#feeds[rows.length - 1];
    if (feeds === undefined) throw new RangeError(`a batch cannot have ${rows.length} rows`);
    const [output] = Object.values(await this.session.run(feeds));
    const data = output?.data;
    if (!(data instanceof Float32Array)) throw new TypeError('the subnet’s output is not float32');
    const bytes = data.byteLength / rows.length;
    return rows.map((_, i) => new Uint8Array(data.buffer, data.byteOffset + i * bytes, bytes));
  }
}

/**
 * Runs rows that come one by one: all that have come while the last batch ran go into the next one, first come, first
 * served.
 */
export class Batches<T> {
  #waiting: { row: Uint8Array; of: T }[] = [];
  #isRunning = false;

  /**
   * @param most rows in a batch
   * @param answered told every answer
   */
  constructor(
    private readonly inference: Inference,
    private readonly most: number,
    private readonly answered: (of: T, logits: Uint8Array) => void,
  ) {}

  add(row: Uint8Array, of: T): void {
    this.#waiting.push({ row, of });
    if (!this.#isRunning) void this.#run();
  }

  /** What fails is not caught: the process ends of it. */
  async #run(): Promise<void> {
    this.#isRunning = true;
    // What is being read is in when the turn is over.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.most);
      const answers = await this.inference.run(batch.map(({ row }) => row));
      batch.forEach(({ of }, i) => {
        this.answered(of, answers[i] ?? new Uint8Array(0));
      });
    }
    this.#isRunning = false;
  }
}
