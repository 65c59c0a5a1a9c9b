/** Sends a load to a running system, from a thread of its own, and tallies what came back. */
export { generateLoad } from './generate.js';
export type { Group } from './groups.js';
export { Load } from './load.js';
export type { LoadModel, LoadOptions, Share } from './options.js';
export { tickMs } from './pacer.js';
export { type LoadQuery, type QuerySource, querySource } from './queries.js';
export { type RecordedOutcome, type Records, type Repeat, recordedOutcomes, type Served } from './records.js';
export { type Manifest, readManifest, readSample, type Sample } from './sample.js';
export { type Counted, type Figures, type Reply, Tally, type TallyOptions, type Window, windowMs } from './tally.js';
