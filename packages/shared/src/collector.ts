/** V8's collector in a process that serves: when it runs, and who has the cores meanwhile. */
import { readdirSync } from 'node:fs';
import { setPriority } from 'node:os';
import { setFlagsFromString } from 'node:v8';

/**
 * How much the heap grows, in percent, before all of it is collected. V8 counts the buffers of the socket as part of it, and in a
 * process whose heap is small and whose traffic is large they alone have it collect everything several times a second, for up to
 * 10 ms each. https://v8.dev/blog/trash-talk
 */
const heapGrowingPercent = 400;

/**
 * Niceness of the threads that collect and compile beside the one that serves: where they want its core as well, it has nine
 * parts of it and each of them one. With equal priorities four of them left it a fifth, for as long as all of a heap is marked
 * (docs/performance.md).
 */
const helperNiceness = 10;

/**
 * For a process with a small heap and much traffic: all of its heap is collected only when it has grown fivefold, and by threads
 * that give way to the one that serves. To be called before threads are started that serve themselves: those that there are by
 * then are Node's own, V8's and those that read files and look up names.
 */
export function tameCollector(): void {
  setFlagsFromString(`--heap-growing-percent=${heapGrowingPercent}`);
  // Only here threads have priorities of their own.
  if (process.platform !== 'linux') return;
  try {
    for (const thread of readdirSync('/proc/self/task').map(Number)) {
      if (thread !== process.pid) setPriority(thread, helperNiceness);
    }
  } catch {
    // There is no /proc, or priorities are not ours to set, which costs only speed.
  }
}
