import { namePattern, readConfig } from '@slackline/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultDeviceClass, defaultWorkerId, deviceClassOf, workerConfig, workerIds } from './config.js';
import type { Choice } from './executors/choose.js';

describe('defaults', () => {
  it('a host and its CPU, whatever they are called, make names that can stand in a subject', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 4_194_304 }), (text, pid) => {
        expect(defaultWorkerId(text, pid)).toMatch(namePattern);
        expect(defaultDeviceClass('onnxruntime-cpu', text)).toMatch(namePattern);
      }),
    );
  });

  it('the pid survives a long host name', () => {
    expect(defaultWorkerId('h'.repeat(200), 12345)).toMatch(/-12345$/);
  });

  it('CPUs of one model are one class', () => {
    const found = ['Intel(R) Xeon(R) CPU E5-2690 v4 @ 2.60GHz', 'AMD EPYC 7763 64-Core Processor', ''].map((model) =>
      defaultDeviceClass('onnxruntime-cpu', model),
    );
    expect(found).toEqual([
      'onnxruntime-cpu-intel-xeon-e5-2690-v4',
      'onnxruntime-cpu-amd-epyc-7763',
      'onnxruntime-cpu-unknown',
    ]);
  });
});

describe('the configuration', () => {
  it('needs nothing', () => {
    const config = readConfig(workerConfig, {});
    expect(config).toMatchObject({ EXECUTOR: 'cpu', WORKERS_PER_PROCESS: 1, HEARTBEAT_MS: 100 });
    expect(workerIds(config)).toEqual([config.WORKER_ID]);
  });

  it('an emulated device must be named', () => {
    expect(() => readConfig(workerConfig, { EXECUTOR: 'emulated' })).toThrow(/DEVICE_CLASS/);
    const config = readConfig(workerConfig, { EXECUTOR: 'emulated', DEVICE_CLASS: 'a100' });
    expect(deviceClassOf(config, { executor: 'emulated', device: undefined, why: '' })).toBe('a100');
  });

  it('knows the executors by name, and the CPU by its old one', () => {
    const executorOf = (EXECUTOR: string) => readConfig(workerConfig, { EXECUTOR }).EXECUTOR;
    expect(['auto', 'cpu', 'webgpu', 'cuda', 'onnxruntime'].map(executorOf)).toEqual([
      'auto',
      'cpu',
      'webgpu',
      'cuda',
      'cpu',
    ]);
    expect(() => executorOf('tpu')).toThrow(/EXECUTOR/);
  });

  it('a class is named after its executor and device; of the CPU, as profiles are kept under that name', () => {
    const config = readConfig(workerConfig, {});
    const classOf = (executor: Choice['executor'], device: string | undefined) =>
      deviceClassOf(config, { executor, device, why: '' });
    expect(classOf('cpu', 'AMD EPYC 7763 64-Core Processor')).toBe('onnxruntime-cpu-amd-epyc-7763');
    expect(classOf('cuda', 'NVIDIA H100 80GB HBM3')).toBe('cuda-nvidia-h100-80gb-hbm3');
    expect(classOf('webgpu', 'Intel(R) Graphics (ADL GT2)')).toBe('webgpu-intel-graphics-adl-gt2');
    expect(classOf('cuda', undefined)).toBe('cuda-unknown');
  });

  it('several workers of a process have names of their own', () => {
    const config = readConfig(workerConfig, { WORKER_ID: 'w', WORKERS_PER_PROCESS: '3' });
    expect(workerIds(config)).toEqual(['w-0', 'w-1', 'w-2']);
  });

  it('a heart that beats slower than death is noticed is refused', () => {
    expect(() => readConfig(workerConfig, { HEARTBEAT_MS: '500', DEAD_AFTER_MS: '400' })).toThrow(/HEARTBEAT_MS/);
  });
});
