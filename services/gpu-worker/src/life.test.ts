import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Life, type LifeEvent, type LifeState, transitions } from './life.js';

const events: LifeEvent[] = ['started', 'batch', 'close', 'load', 'measure', 'finished', 'drain', 'drained'];

describe('the life of a worker', () => {
  it('goes from starting over idle and busy to stopped', () => {
    const life = new Life();
    const states = (['started', 'batch', 'finished', 'drain', 'drained'] as const).map((event) => {
      expect(life.take(event)).toBe(true);
      return life.state;
    });
    expect(states).toEqual(['idle', 'busy', 'idle', 'draining', 'stopped']);
  });

  it('refuses what the table does not name, and stays as it is', () => {
    const life = new Life();
    expect(life.take('batch')).toBe(false);
    expect(life.state).toBe('starting');
  });

  it('never comes back from draining', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...events)), fc.array(fc.constantFrom(...events)), (before, after) => {
        const life = new Life();
        for (const event of before) life.take(event);
        life.take('drain');
        for (const event of after) life.take(event);
        expect(life.isEnding).toBe(true);
      }),
    );
  });

  it('can be drained from every state', () => {
    for (const state of Object.keys(transitions) as LifeState[]) {
      expect(['draining', 'stopped']).toContain(transitions[state].drain);
    }
  });
});
