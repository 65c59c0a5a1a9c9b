import { describe, expect, it } from 'vitest';
import { readOptions } from '../options.js';
import { soakOptions } from './options.js';

describe('the options of soak', () => {
  it('have the nightly size by default', () => {
    expect(readOptions(soakOptions, {})).toEqual({
      ...{ minutes: 10, seed: 1, rate: 100, producers: 3, workers: 4, schedulers: 3, ingests: 2, every: 5_000 },
      json: false,
    });
  });

  it('are read from text', () => {
    const given = { minutes: '0.5', seed: '-7', every: '750ms', out: '/tmp/somewhere' };
    expect(readOptions(soakOptions, given)).toMatchObject({
      minutes: 0.5,
      seed: -7,
      every: 750,
      out: '/tmp/somewhere',
    });
  });

  it.each([
    [{ minutes: '0' }, '--minutes takes a number above 0'],
    [{ minutes: 'long' }, '--minutes takes a number above 0'],
    // With one of a kind nobody takes over, or nobody may be ended.
    [{ schedulers: '1' }, '--schedulers takes a whole number from 2 to 16'],
    [{ workers: '1' }, '--workers takes a whole number from 2 to 64'],
    [{ every: '100ms' }, '--every takes a time of half a second or more'],
    [{ every: 'often' }, '--every takes a time of half a second or more'],
    [{ seed: '1.5' }, '--seed takes a whole number'],
  ])('refuse %j', (given, message) => {
    expect(() => readOptions(soakOptions, given)).toThrow(message);
  });
});
