/** A model on the device: bodies in, encoded outputs out, on whichever subnet a batch names. */
import {
  type BatchAnswer,
  bytesOf,
  contentTypes,
  decodeTensor,
  elementBytes,
  encodeOutputs,
  newTensorData,
  rowElements,
  type TensorData,
  type TensorMetadata,
} from '@slackline/shared';
import type { BatchResult, QueryBody } from './executor.js';

/** A supernet in memory, in which one subnet at a time is active. */
export interface SubnetSession {
  /** Makes the subnet with this index the active one, and returns the milliseconds it took. */
  actuate(index: number): number;
  /** Runs the active subnet on the rows that `input` holds. One array per output, row after row. */
  run(input: TensorData, rows: number): Promise<readonly TensorData[]>;
  release(): Promise<void>;
}

export interface ModelSignature {
  input: TensorMetadata;
  outputs: readonly TensorMetadata[];
  /** Ids of the subnets, in the order of the session's indices. */
  subnets: readonly string[];
}

export class HostedModel {
  readonly subnets: ReadonlySet<string>;
  readonly input: TensorMetadata;
  readonly #indices: ReadonlyMap<string, number>;
  readonly #rowElements: number;
  readonly #rowBytes: number;
  #active: string | undefined;
  #buffer: TensorData;

  constructor(
    private readonly session: SubnetSession,
    private readonly signature: ModelSignature,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.input = signature.input;
    this.subnets = new Set(signature.subnets);
    this.#indices = new Map(signature.subnets.map((id, index) => [id, index]));
    this.#rowElements = rowElements(signature.input);
    this.#rowBytes = this.#rowElements * elementBytes(signature.input.datatype);
    this.#buffer = this.#allocate(1);
  }

  /** Runs the queries as one batch. Whatever fails becomes the error of the queries that it concerns. */
  async run(subnet: string, queries: readonly QueryBody[]): Promise<BatchResult> {
    const startedMs = this.now();
    const answers: BatchAnswer[] = [];
    const rows = this.#decode(queries, answers);
    let actuationMs = 0;
    if (rows.length > 0) {
      try {
        actuationMs = this.#actuate(subnet);
        const input = this.#buffer.subarray(0, rows.length * this.#rowElements);
        const outputs = await this.session.run(input, rows.length);
        rows.forEach((query, row) => {
          answers[query] = this.#encode(queries[query]?.contentType ?? '', outputs, row);
        });
      } catch (error) {
        // The session's state is unknown: the next batch actuates again.
        this.#active = undefined;
        for (const query of rows) answers[query] = failure(error);
      }
    }
    return { answers, actuationMs, inferenceMs: this.now() - startedMs - actuationMs };
  }

  /**
   * Runs every subnet once on a row of zeros, so that no query pays for what the runtime does at first sight of it; stops
   * early when `budgetMs` is spent.
   */
  async warmUp(budgetMs: number): Promise<void> {
    const startedMs = this.now();
    const body = new Uint8Array(this.#rowBytes);
    for (const subnet of this.subnets) {
      if (this.now() - startedMs > budgetMs) return;
      await this.run(subnet, [{ contentType: contentTypes.bytes, body }]);
    }
  }

  release(): Promise<void> {
    return this.session.release();
  }

  /** Lays the rows one after another into the input buffer; returns which query each row is of. */
  #decode(queries: readonly QueryBody[], answers: BatchAnswer[]): number[] {
    if (this.#buffer.length < queries.length * this.#rowElements) this.#buffer = this.#allocate(queries.length);
    const bytes = bytesOf(this.#buffer);
    const rows: number[] = [];
    queries.forEach(({ contentType, body }, query) => {
      try {
        bytes.set(decodeTensor(contentType, body, this.input), rows.length * this.#rowBytes);
        rows.push(query);
      } catch (error) {
        answers[query] = failure(error);
      }
    });
    return rows;
  }

  #actuate(subnet: string): number {
    if (subnet === this.#active) return 0;
    const index = this.#indices.get(subnet);
    if (index === undefined) throw new Error(`the subnet ${subnet} is not hosted`);
    this.#active = undefined;
    const actuationMs = this.session.actuate(index);
    this.#active = subnet;
    return actuationMs;
  }

  #encode(contentType: string, outputs: readonly TensorData[], row: number): BatchAnswer {
    try {
      const rows = this.signature.outputs.map((metadata, i) => {
        const elements = rowElements(metadata);
        const all = outputs[i];
        if (all === undefined) throw new Error(`the output ${metadata.name} is missing`);
        return { metadata, data: all.subarray(row * elements, (row + 1) * elements) };
      });
      return { outputs: encodeOutputs(contentType, rows) };
    } catch (error) {
      return failure(error);
    }
  }

  #allocate(rows: number): TensorData {
    const elements = rows * this.#rowElements;
    return newTensorData(this.input.datatype, elements).data;
  }
}

function failure(error: unknown): BatchAnswer {
  return { error: error instanceof Error ? error.message : String(error) };
}
