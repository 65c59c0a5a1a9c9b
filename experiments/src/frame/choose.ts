/** Which figures there are, and which are meant. */
import type { Figure } from '../figure.js';

/** The command line names a figure that does not exist. */
export class UnknownFigure extends Error {
  override readonly name = 'UnknownFigure';
}

/** The figures of these names, in this order, each once; without names all but those that must be named. @throws UnknownFigure */
export function chosen(figures: readonly Figure[], names: readonly string[]): Figure[] {
  if (names.length === 0) return figures.filter(({ onlyByName }) => onlyByName !== true);
  return [...new Set(names)].map((name) => {
    const figure = figures.find((candidate) => candidate.name === name);
    if (figure !== undefined) return figure;
    const known = figures.map((candidate) => candidate.name).join(', ');
    throw new UnknownFigure(`There is no figure ${name}; there are ${known}.`);
  });
}

export function list(figures: readonly Figure[]): string {
  const width = Math.max(...figures.map(({ name }) => name.length));
  return figures.map(({ name, summary }) => `${name.padEnd(width)}  ${summary}\n`).join('');
}
