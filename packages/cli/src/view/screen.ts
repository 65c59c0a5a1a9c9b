/** Where a run is shown: a view that redraws itself in a terminal, plain lines anywhere else. */
import type { WriteStream } from 'node:tty';
import { createLogUpdate } from 'log-update';
import colors from 'picocolors';
import type { Line, Style } from './text.js';

export interface Screen {
  /** Something that stays readable above the live part. */
  note(text: string): void;
  /** What is under way; the next call replaces it. */
  progress(text: string): void;
  /** The live view, or its one line where nothing can be redrawn. */
  show(frame: () => readonly Line[], line: () => string): void;
  /** The live part goes away: it is not true any more. */
  clear(): void;
  /** The live part stays as it is now. */
  done(): void;
}

/** @param stream standard output, or standard error when standard output is for the result */
export function screenOn(stream: WriteStream): Screen {
  return stream.isTTY ? new LiveScreen(stream) : new PlainScreen(stream);
}

class LiveScreen implements Screen {
  readonly #log: ReturnType<typeof createLogUpdate>;
  readonly #colors: Colors;
  #shown = '';

  constructor(stream: WriteStream) {
    this.#log = createLogUpdate(stream);
    this.#colors = colors.createColors(stream.hasColors());
  }

  note(text: string): void {
    this.#log.persist(`${this.#colors.green('✓')} ${text}`);
    if (this.#shown !== '') this.#log(this.#shown);
  }

  progress(text: string): void {
    this.#draw(this.#colors.dim(`… ${text}`));
  }

  show(frame: () => readonly Line[]): void {
    this.#draw(
      frame()
        .map((line) => toAnsi(line, this.#colors))
        .join('\n'),
    );
  }

  clear(): void {
    this.#log.clear();
    this.#shown = '';
  }

  done(): void {
    this.#log.done();
    this.#shown = '';
  }

  #draw(text: string): void {
    this.#shown = text;
    this.#log(text);
  }
}

/** A log has no use for more. */
const plainEveryMs = 1_000;

class PlainScreen implements Screen {
  readonly #stream: WriteStream;
  #saidAtMs = Number.NEGATIVE_INFINITY;
  #said = '';

  constructor(stream: WriteStream) {
    this.#stream = stream;
  }

  note(text: string): void {
    this.#stream.write(`${text}\n`);
  }

  progress(text: string): void {
    if (text !== this.#said) this.#atMostOnceASecond(text);
  }

  show(_frame: () => readonly Line[], line: () => string): void {
    this.#atMostOnceASecond(line());
  }

  clear(): void {}

  done(): void {}

  #atMostOnceASecond(text: string): void {
    const now = performance.now();
    if (now - this.#saidAtMs < plainEveryMs) return;
    this.#saidAtMs = now;
    this.#said = text;
    this.#stream.write(`${text}\n`);
  }
}

type Colors = ReturnType<typeof colors.createColors>;

const painters: Readonly<Record<Style, (text: string, colors: Colors) => string>> = {
  plain: (text) => text,
  dim: (text, { dim }) => dim(text),
  bold: (text, { bold }) => bold(text),
  good: (text, { green }) => green(text),
  warn: (text, { yellow }) => yellow(text),
  bad: (text, { red }) => red(text),
  bar: (text, { cyan }) => cyan(text),
};

function toAnsi(line: Line, palette: Colors): string {
  return line.map(({ text, style }) => painters[style](text, palette)).join('');
}
