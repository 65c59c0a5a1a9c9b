/** Says what is under way: one line that is written over in a terminal, a line now and then anywhere else. */
import type { WriteStream } from 'node:tty';

/** A log has no use for more. */
const plainEveryMs = 5_000;

export interface Progress {
  /** What is under way; the next call replaces it. */
  show(text: string): void;
  /** A line that stays. */
  note(text: string): void;
}

/** @param stream standard error: standard output is for results */
export function progressOn(stream: WriteStream): Progress {
  return stream.isTTY ? overwriting(stream) : plain(stream);
}

function overwriting(stream: WriteStream): Progress {
  const clear = '\r\u001b[K';
  return {
    show: (text) => void stream.write(`${clear}${text.slice(0, stream.columns - 1)}`),
    note: (text) => void stream.write(`${clear}${text}\n`),
  };
}

function plain(stream: WriteStream): Progress {
  let saidAtMs = Number.NEGATIVE_INFINITY;
  const note = (text: string) => {
    stream.write(`${text}\n`);
    saidAtMs = performance.now();
  };
  return {
    note,
    show: (text) => {
      if (performance.now() - saidAtMs >= plainEveryMs) note(text);
    },
  };
}
