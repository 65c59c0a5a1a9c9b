import { describe, expect, it } from 'vitest';
import { Gate } from './gate.js';

describe('what comes in while the lease is not certain', () => {
  it('is done in its order once the lease has been renewed, before what comes then', () => {
    let isCurrent = true;
    const done: number[] = [];
    const gate = new Gate(() => isCurrent);
    gate.pass(() => done.push(1));
    isCurrent = false;
    gate.pass(() => done.push(2));
    gate.pass(() => done.push(3));
    expect(done).toEqual([1]);
    isCurrent = true;
    // Nothing overtakes what waits.
    gate.pass(() => done.push(4));
    gate.open();
    gate.pass(() => done.push(5));
    expect(done).toEqual([1, 2, 3, 4, 5]);
  });

  it('waits again when the lease lapses while it is done', () => {
    let isCurrent = false;
    const done: number[] = [];
    const gate = new Gate(() => isCurrent);
    gate.pass(() => {
      done.push(1);
      isCurrent = false;
    });
    gate.pass(() => done.push(2));
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
    gate.pass(() => done.push(1));
    gate.close();
    isCurrent = true;
    gate.open();
    gate.pass(() => done.push(2));
    expect(done).toEqual([]);
  });
});
