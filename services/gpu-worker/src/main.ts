/** The worker process. */
import { readConfig, runService, tameCollector } from '@slackline/shared';
import { workerConfig } from './config.js';
import { startWorker } from './start.js';

// The inference thread's ONNX Runtime reads it from the process, not from the thread.
process.env.ORT_DISABLE_TELEMETRY ??= '1';

tameCollector();
runService('gpu-worker', (log) => startWorker(readConfig(workerConfig, process.env), { log }));
