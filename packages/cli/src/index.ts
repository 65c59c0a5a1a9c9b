/** What programs and tests that run the `slackline` command need: the form of its result. */
export { type RunDocument, runDocument } from './document.js';
