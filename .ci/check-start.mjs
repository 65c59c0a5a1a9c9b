/** Checks the document that `npm start -- --json` prints as its last line. Usage: node .ci/check-start.mjs FILE */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const [, , file] = process.argv;
const lastLine = readFileSync(file, 'utf8').trimEnd().split('\n').at(-1) ?? '';
assert.match(lastLine, /^\{.*\}$/, 'the last line of the output is no JSON document');
const document = JSON.parse(lastLine);
const { published, accepted, refused, outcomes, subnets } = document;

const sum = (numbers) => Object.values(numbers).reduce((total, number) => total + number, 0);

assert.ok(accepted > 0, 'nothing was accepted');
assert.equal(published, accepted + sum(refused), 'every published query is accepted or refused');
assert.equal(accepted, sum(outcomes), 'every accepted query has exactly one outcome');
assert.equal(document.unanswered, 0, 'a query was not answered');
assert.equal(outcomes.failed, 0, 'a query failed');
assert.equal(document.workersLost, 0, 'a worker was lost');
assert.equal(document.executor, 'cpu', 'inference was not real');
assert.equal(sum(subnets.map(({ answers }) => answers)), outcomes.ok + outcomes.late, 'every answer names its subnet');
assert.ok(document.latencyMs.p50 <= document.latencyMs.p99, 'percentiles are in order');
