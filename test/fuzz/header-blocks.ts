/** Header blocks, as they lie on the wire. */

import type { Random } from '../harness/random.js';
import { headerNamesOfOurs, headerNamesOfTheBroker, headerText } from './garbage.js';

/** One line a header, as any client writes them. */
export function block(headers: readonly (readonly [name: string, value: string])[]): Uint8Array {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`NATS/1.0\r\n${lines.join('')}\r\n`);
}

/** Some headers of ours with values that mostly do not fit. */
export function oddHeaders(random: Random, names: readonly string[] = headerNamesOfOurs): [string, string][] {
  return Array.from({ length: random.int(0, 4) }, () => [random.pick(names), headerText(random)]);
}

/** A block that no client would write. */
export function hostileBlock(random: Random, mostBytes: number): Uint8Array {
  const name = random.pick([...headerNamesOfOurs, ...headerNamesOfTheBroker]);
  const line = (text: string) => Buffer.from(`NATS/1.0\r\n${text}\r\n\r\n`, 'latin1');
  const many = (lines: number, each: (index: number) => string) =>
    line(Array.from({ length: lines }, (_, index) => each(index)).join('\r\n'));
  const most = Math.floor(mostBytes / 2);
  return random.pick([
    () => line(`${name}: a\nPUB queries.m 0`),
    () => line(`${name}: a\rb`),
    () => line(`${name}: a\0b`),
    () => line(`${name} : 5`),
    () => line(`${name.toLowerCase()}: 5\r\n${name.toUpperCase()}: 6`),
    () => line(`${name}: 5\r\n${name}: 6\r\n${name}: ${headerText(random)}`),
    () => line(`: no name\r\n${name}: 5`),
    () => line(`no colon\r\n${name}: 5`),
    () => line(`n\xe4me: \xff\xfe\r\n${name}: \xc3\x28`),
    () => many(random.int(100, 400), (index) => `H${index}: ${index}`),
    () => many(Math.min(50_000, Math.floor(most / 12)), (index) => `h${index}:`),
    () => line(`${name}: ${'x'.repeat(random.int(1, random.chance(0.9) ? 5_000 : most))}`),
    () => line(`${'N'.repeat(random.int(65, 5_000))}: x`),
    () =>
      Buffer.from(
        `NATS/1.0 ${random.pick(['503', '409 Consumer Deleted', '404', '100 Idle Heartbeat', '-1 x'])}\r\n\r\n`,
      ),
    () => Buffer.from('NATS/9.9\r\nSlo-Ms: 5\r\n\r\n'),
    () => Buffer.from('NATS/1.0\r\n'),
    () => random.bytes(random.int(1, 200)),
    () => block(oddHeaders(random, headerNamesOfTheBroker)),
  ])();
}
