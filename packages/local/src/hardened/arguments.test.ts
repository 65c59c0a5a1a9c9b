import { describe, expect, it } from 'vitest';
import { readKeysArguments } from './arguments.js';

describe('the arguments of nats:keys', () => {
  it('are a folder, tenants and hosts', () => {
    expect(readKeysArguments(['keys', '--tenants', 'a,b'])).toEqual({ folder: 'keys', tenants: ['a', 'b'] });
    expect(readKeysArguments(['keys', '--hosts', 'x.example,10.0.0.1'])).toMatchObject({
      hosts: ['x.example', '10.0.0.1'],
    });
  });

  it.each([['--help'], ['-h']])('may ask for help: %s', (flag) => {
    expect(readKeysArguments([flag])).toBeUndefined();
  });

  it.each([
    [[], /^nats:keys takes one folder.*: none was given\.$/],
    [['a', 'b'], /not a b\.$/],
    [['a', '--tenants', 'a b'], /^--tenants takes names .*: not "a b"\.$/],
    [['a', '--tenants', 'ingest'], /not "ingest"\.$/],
    [['a', '--nope'], /--nope/],
  ])('%j is refused in a sentence', (args, sentence) => {
    expect(() => readKeysArguments(args)).toThrow(sentence);
    expect(() => readKeysArguments(args)).toThrow(TypeError);
  });
});
