/** The worker process. */
import { readConfig, runService } from '@slackline/shared';
import { workerConfig } from './config.js';
import { startWorker } from './start.js';

runService('gpu-worker', (log) => startWorker(readConfig(workerConfig, process.env), { log }));
