/** What a probe and the bench say to each other: JSON, a line each, over a socket in a temporary folder. */
import type { Readable } from 'node:stream';
import { z } from 'zod';
import { measurements } from './measure.js';

/** The variable that tells a process where the bench listens. */
export const socketVariable = 'SLACKLINE_BENCH_SOCKET';

export const request = z.object({
  id: z.int(),
  do: z.enum(['start', 'stop']),
  what: z.enum(measurements),
});
export type Request = z.infer<typeof request>;

/** First of all a probe says who it is; after that it answers. */
export const said = z.union([
  z.object({ hello: z.string(), pid: z.int() }),
  z.object({ id: z.int(), result: z.unknown() }),
  z.object({ id: z.int(), error: z.string() }),
]);
export type Said = z.infer<typeof said>;

/** Calls back for every whole line that is read. */
export function onLines(stream: Readable, onLine: (line: string) => void): void {
  let rest: string[] = [];
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const [first = '', ...more] = text.split('\n');
    rest.push(first);
    for (const next of more) {
      onLine(rest.join(''));
      rest = [next];
    }
  });
}
