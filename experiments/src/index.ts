/** The papers' figures, re-tested: `npm run experiments`. */
export type { Figure, FigureContext, FigureResult } from './figure.js';
