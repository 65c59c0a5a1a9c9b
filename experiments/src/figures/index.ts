/** All figures, in the order in which they run. */
import type { Figure } from '../figure.js';
import { optimum } from '../optimum/figure.js';
import { overload } from '../overload/figure.js';
import { acceleration } from './acceleration.js';
import { actuationDelay } from './actuation-delay.js';
import { bursty } from './bursty.js';
import { faults } from './faults.js';
import { maf } from './maf.js';
import { policies } from './policies.js';
import { scaling } from './scaling.js';
import { sentAhead } from './sent-ahead.js';
import { throughput } from './throughput.js';

export const figures: readonly Figure[] = [
  throughput,
  bursty,
  acceleration,
  maf,
  faults,
  overload,
  scaling,
  policies,
  actuationDelay,
  sentAhead,
  optimum,
];
