/** Shows a build's progress on standard error: one line that changes on a terminal, a line every few steps elsewhere. */
import type { BuildProgress, OnProgress } from './progress.js';

/** Without a terminal every quarter of a stage is told. */
const partsTold = 4;

export function showProgress(out: NodeJS.WriteStream = process.stderr): OnProgress {
  let told = '';
  return (progress) => {
    const { stage, done, total } = progress;
    if (out.isTTY) {
      out.write(`\r\u001b[2K${lineOf(progress)}${done === total ? '\n' : ''}`);
      return;
    }
    const part = `${stage} ${Math.floor((done * partsTold) / total)}`;
    if (part !== told) out.write(`${lineOf(progress)}\n`);
    told = part;
  };
}

function lineOf({ stage, done, total, share, leftMs }: BuildProgress): string {
  const left = leftMs === undefined ? '' : `, ${Math.ceil(leftMs / 1000)} s left`;
  return `${stage}: ${done} of ${total} (${Math.round(100 * share)} % of the whole${left})`;
}
