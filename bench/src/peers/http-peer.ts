/** A peer behind HTTP, and its open-loop producer: keep-alive connections, one request on each at a time. */

import type { Sample } from '@slackline/load';
import { inCheckout } from '@slackline/local';
import { z } from 'zod';
import type { Contender, StepAsked } from '../contender.js';
import { Crew } from '../contenders/crew.js';
import { CheckedLoop, type PeerFigures } from './checked-loop.js';
import { Connections } from './connections.js';
import type { FixedSubnet } from './fixed-subnets.js';

/** Processes run compiled code, also where this file runs as a source. */
const entry = inCheckout('bench/dist/peers/http-server.js');
/** Enough for 36 ms of 7,000 queries a second; beyond, queries wait at the producer. */
const connectionCount = 256;

const serverReady = z.object({ port: z.number(), pids: z.array(z.number()) });

export interface HttpPeerOptions {
  name: string;
  subnet: FixedSubnet;
  sample: Sample;
  processes: number;
  /** Rows that run together at most; 1: as they come. */
  batch: number;
}

export function httpPeer({ name, subnet, sample, processes, batch }: HttpPeerOptions): Contender {
  return {
    name,
    async start({ signal }) {
      const crew = new Crew(signal);
      try {
        const env = { MODEL_FILE: subnet.file, PROCESSES: String(processes), BATCH: String(batch) };
        const said = await crew.start({ name: 'fastify', entry, env });
        const { port, pids } = serverReady.parse(said);
        const servers = Object.fromEntries(pids.map((pid, i) => [`server ${i}`, pid]));
        const producer = new HttpProducer(new URL(`http://127.0.0.1:${port}/infer`), sample, subnet.accuracy);
        return {
          step: (asked) => producer.step(asked, crew.signal),
          pids: () => ({ ...crew.pids(), ...servers, load: process.pid }),
          stop: () => crew.stop(),
        };
      } catch (error) {
        await crew.stop();
        throw error;
      }
    },
  };
}

class HttpProducer {
  readonly #loop: CheckedLoop;
  #connections: Connections | undefined;

  constructor(
    private readonly url: URL,
    private readonly sample: Sample,
    accuracy: number,
  ) {
    this.#loop = new CheckedLoop(sample, accuracy, (number, row) => this.#send(number, row));
  }

  /** Connections of its own: what is unanswered in the end goes with them. */
  async step(asked: StepAsked, signal: AbortSignal): Promise<PeerFigures> {
    const connections = await Connections.open(this.url, connectionCount, this.sample.row(0));
    this.#connections = connections;
    try {
      return await this.#loop.step(asked, signal, true);
    } finally {
      this.#connections = undefined;
      await connections.close();
    }
  }

  #send(number: number, row: Uint8Array): void {
    this.#connections?.post(row, (logits) => {
      if (logits === undefined) this.#loop.failed();
      else this.#loop.answered(number, logits);
    });
  }
}
