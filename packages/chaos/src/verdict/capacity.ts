/** Which faults take workers away. */
import type { InjectedFault } from '../inject/injector.js';

export function namesWorkers({ planned, victim, error }: InjectedFault): boolean {
  return planned.role === 'worker' && victim !== null && error === null;
}
