/** What programs and tests need of the `slackline` command: a system that serves, the form of its result, how it submits a model. */
export { type RunDocument, runDocument } from './document.js';
export { Interrupted, interruptSignal, unlessAborted } from './interrupt.js';
export { type Serving, startServing } from './serving.js';
export { type LocalFile, type LocalFiles, readFiles } from './submission/files.js';
export { follow } from './submission/follow.js';
export { type Submission, submit } from './submission/submit.js';
