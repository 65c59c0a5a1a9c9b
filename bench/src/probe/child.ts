/**
 * Preloaded into a process (`node --import`): measures it when the bench says so. It holds nothing that keeps the process
 * alive, and where nobody listens it is silent.
 */
import { connect } from 'node:net';
import { isMainThread } from 'node:worker_threads';
import { Meter } from './measure.js';
import { onLines, type Request, request, type Said, socketVariable } from './protocol.js';

const path = process.env[socketVariable];
// A process's threads preload it too.
if (path !== undefined && isMainThread) listen(path);

function listen(path: string): void {
  const meter = new Meter();
  const socket = connect(path);
  socket.unref();
  // The bench has ended, or never was: nothing to tell, and nobody to tell it to.
  socket.on('error', () => {});
  const say = (words: Said) => socket.write(`${JSON.stringify(words)}\n`);
  say({ hello: process.env.WORKER_ID ?? process.env.INSTANCE_NAME ?? '', pid: process.pid });
  onLines(socket, (line) => {
    const asked = request.parse(JSON.parse(line));
    perform(meter, asked).then(
      (result) => say({ id: asked.id, result }),
      (error: unknown) => say({ id: asked.id, error: String(error) }),
    );
  });
}

async function perform(meter: Meter, asked: Request): Promise<unknown> {
  if (asked.do === 'stop') return meter.stop(asked.what);
  await meter.start(asked.what);
  return null;
}
