import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { soundRun } from '../testing/sound-run.js';
import { metricNames, readHypothesis, test as tested } from './hypothesis.js';
import { metricsOf } from './metrics.js';

const metrics = metricsOf(soundRun(), []);
const stateOf = (text: string) => tested(readHypothesis(text), metrics).state;

describe('a hypothesis', () => {
  it('compares what was measured', () => {
    expect(stateOf('attainment>=0.99')).toBe('pass');
    expect(stateOf(' attainment >= 99.9 % ')).toBe('pass');
    expect(stateOf('attainment<1')).toBe('fail');
    expect(stateOf('lost=0')).toBe('pass');
    expect(stateOf('late>0')).toBe('fail');
    expect(stateOf('latencyMs.max<=20ms')).toBe('pass');
    expect(stateOf('latencyMs.max<=0.01s')).toBe('fail');
  });

  it('fails on what was not measured, but for its count', () => {
    expect(tested(readHypothesis('recoveryMs.max<=1s'), metrics)).toEqual({
      ...{ hypothesis: 'recoveryMs.max<=1s', state: 'fail', measured: null },
    });
    expect(stateOf('recoveryMs.count=0')).toBe('pass');
  });

  it.each(['', 'attainment', 'attainment>=', 'attainment>=x', 'attainment==1', 'speed>1', 'detectionMs>=1', 'lost=-1'])(
    'that reads %j is refused with what is taken',
    (text) => expect(() => readHypothesis(text)).toThrow(/takes <metric><op><number>.*attainment/),
  );

  it.each(['attainment>=1s', 'recoveryMs.max<=99%', 'recoveryMs.count<=1s'])('%j has a wrong unit', (text) => {
    expect(() => readHypothesis(text)).toThrow(/^takes/);
  });

  it.each(['attainment>=99', 'attainment>=101%', 'accuracyDrop<2'])('%j is no share', (text) => {
    expect(() => readHypothesis(text)).toThrow(/^takes a share from 0 to 1/);
  });

  it('can be about every metric, and nothing else is thrown than what it takes', () => {
    fc.assert(
      fc.property(fc.constantFrom(...metricNames), fc.constantFrom('>=', '<='), fc.nat(), (metric, operator, value) => {
        fc.pre(value <= 1 || !/^a(ttainment|ccuracy)/.test(metric));
        expect(readHypothesis(`${metric}${operator}${value}`)).toMatchObject({ metric, operator, value });
      }),
    );
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          readHypothesis(text);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});
