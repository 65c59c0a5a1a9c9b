/** What programs and tests need of the `slackline` command: the form of its result, and how it submits a model. */
export { type RunDocument, runDocument } from './document.js';
export { type LocalFile, type LocalFiles, readFiles } from './submission/files.js';
export { follow } from './submission/follow.js';
export { type Submission, submit } from './submission/submit.js';
