import { describe, expect, it } from 'vitest';
import { Gate } from './gate.js';

describe('what comes in while the lease is not certain', () => {
  it('is done in its order once the lease has been renewed, before what comes then', () => {
    let isCurrent = true;
    const done: number[] = [];
    const gate = new Gate(() => isCurrent);
    const add = (number: number) => void done.push(number);
    gate.pass(add, 1);
    isCurrent = false;
    gate.pass(add, 2);
    gate.pass(add, 3);
    expect(done).toEqual([1]);
    isCurrent = true;
    // Nothing overtakes what waits.
    gate.pass(add, 4);
    gate.open();
    gate.pass(add, 5);
    expect(done).toEqual([1, 2, 3, 4, 5]);
  });

  it('waits again when the lease lapses while it is done', () => {
    let isCurrent = false;
    const done: number[] = [];
    const gate = new Gate(() => isCurrent);
    const add = (number: number) => void done.push(number);
    gate.pass((number) => {
      done.push(number);
      isCurrent = false;
    }, 1);
    gate.pass(add, 2);
    isCurrent = true;
    gate.open();
    expect(done).toEqual([1]);
    isCurrent = true;
    gate.open();
    expect(done).toEqual([1, 2]);
  });

  it('is forgotten when the term ends', () => {
    let isCurrent = false;
    const done: number[] = [];
    const gate = new Gate(() => isCurrent);
    const add = (number: number) => void done.push(number);
    gate.pass(add, 1);
    gate.close();
    isCurrent = true;
    gate.open();
    gate.pass(add, 2);
    expect(done).toEqual([]);
  });
});
