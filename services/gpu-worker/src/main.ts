/** The worker process. */
import { collectSeldom, readConfig, runService } from '@slackline/shared';
import { workerConfig } from './config.js';
import { startWorker } from './start.js';

// The inference thread's ONNX Runtime reads it from the process, not from the thread.
process.env.ORT_DISABLE_TELEMETRY ??= '1';

collectSeldom();
runService('gpu-worker', (log) => startWorker(readConfig(workerConfig, process.env), { log }));
