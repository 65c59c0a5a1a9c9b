export { type IngestConfig, ingestConfig } from './config.js';
export { type IngestDependencies, startIngest } from './ingest.js';
