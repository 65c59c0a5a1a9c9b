/**
 * A peer's server: fastify, ONNX Runtime and a fixed subnet, a process for each core (node:cluster). A row comes as the raw
 * bytes of a POST, its logits go back as raw bytes.
 *
 * MODEL_FILE: the subnet. PROCESSES: how many. BATCH: rows that run together at most, of those that came while the last ones
 * ran. The first process only hands out connections; it says the port and the others' ids when all of them are ready.
 */
import cluster from 'node:cluster';
import { once } from 'node:events';
import { numberFrom, readConfig, runService, tameCollector } from '@slackline/shared';
import fastify, { type FastifyReply } from 'fastify';
import { z } from 'zod';
import { Batches, Inference, mostRows } from './inference.js';

const config = readConfig(
  z.object({
    MODEL_FILE: z.string().min(1),
    PROCESSES: numberFrom(z.number().int().min(1)),
    BATCH: numberFrom(z.number().int().min(1).max(mostRows)),
  }),
  process.env,
);

/** What a server says when it is ready. */
const listening = z.object({ port: z.number() });

if (cluster.isPrimary) runService('fastify', startAll);
else await serve();

async function startAll() {
  // They end with this process by themselves, and need nothing that it was started with.
  cluster.setupPrimary({ execArgv: [] });
  const workers = Array.from({ length: config.PROCESSES }, () => cluster.fork());
  const failed = new Promise<Error>((resolve) => {
    cluster.on('exit', ({ id }, code, signal) => resolve(new Error(`server ${id} ended: ${signal ?? code}`)));
  });
  const ports = workers.map(
    (worker) => new Promise<number>((resolve) => worker.on('message', (said) => resolve(listening.parse(said).port))),
  );
  const all = await Promise.race([Promise.all(ports), failed]);
  if (all instanceof Error) throw all;
  const [port] = all;
  return {
    ready: { port, pids: workers.map((worker) => worker.process.pid) },
    failed,
    async stop() {
      const ends = workers.map((worker) => once(worker, 'exit'));
      for (const worker of workers) worker.process.kill();
      await Promise.all(ends);
    },
  };
}

async function serve(): Promise<void> {
  // As `runService` does for every other process here.
  tameCollector();
  const inference = await Inference.open(config.MODEL_FILE);
  const batches = new Batches<FastifyReply>(inference, config.BATCH, (reply, logits) => {
    void reply.type('application/octet-stream').send(Buffer.from(logits.buffer, logits.byteOffset, logits.length));
  });
  const server = fastify({ logger: false, keepAliveTimeout: 60_000, forceCloseConnections: true });
  server.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_, body, done) => done(null, body));
  server.post<{ Body: Buffer }>('/infer', (request, reply) => {
    if (inference.isRow(request.body)) batches.add(request.body, reply);
    else void reply.code(400).send();
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  const address = server.server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  process.send?.({ port: address.port });
}
