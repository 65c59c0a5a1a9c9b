/** Faults on a seeded plan, a witness of every query's life, and a verdict (docs/chaos.md). */
export { type Cut, type Role, roles, type Target, type Victim } from './target/target.js';
