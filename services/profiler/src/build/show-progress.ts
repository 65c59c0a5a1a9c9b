/** Shows a build's progress on standard error: one line that changes on a terminal, a line every few steps elsewhere. */
import type { BuildProgress } from './build-model.js';

/** Without a terminal every tenth part of a step is told. */
const partsTold = 10;

export function showProgress(out: NodeJS.WriteStream = process.stderr): BuildProgress {
  return (step, done, total) => {
    const line = `${step}: ${done} of ${total}`;
    if (out.isTTY) {
      out.write(`\r\u001b[2K${line}${done === total ? '\n' : ''}`);
      return;
    }
    const part = (n: number) => Math.floor((n * partsTold) / total);
    if (part(done) > part(done - 1)) out.write(`${line}\n`);
  };
}
