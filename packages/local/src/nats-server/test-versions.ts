/**
 * Runs the tests that meet the broker on every version of nats-server that can be had, and prints a table; other folders or
 * files may be named instead. `npm run test:nats-versions`. Ends with 1 when a test failed or only one version was there.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { inCheckout } from '../paths.js';
import { TemporaryFolder } from '../temporary-folder.js';
import { type NatsVersion, natsVersions } from './versions.js';

const defaultTests = ['test/bus', 'test/broker', 'test/scheduler', 'test/ingest'];
/** These look for the versions themselves. */
const left = ['test/broker/versions.test.ts'];

interface Row {
  version: string;
  from: string;
  passed: number;
  failed: number;
  skipped: number;
  seconds: number;
  failures: string[];
}

const folder = new TemporaryFolder('nats-versions');
const tests = process.argv.length > 2 ? process.argv.slice(2) : defaultTests;
const versions = await natsVersions();
const rows: Row[] = [];
for (const each of versions) {
  if ('why' in each) console.log(`not tested: nats-server of ${each.from} (${each.why})`);
  else rows.push(await runTests(each));
}
folder.remove();
console.log('\n| nats-server | from | passed | failed | skipped | seconds |\n|---|---|---|---|---|---|');
for (const row of rows) {
  const { version, from, passed, failed, skipped, seconds } = row;
  console.log(`| ${[version, from, passed, failed, skipped, seconds].join(' | ')} |`);
}
for (const { version, failures } of rows) for (const name of failures) console.log(`FAILED on ${version}: ${name}`);
process.exitCode = rows.length > 1 && rows.every(({ failed }) => failed === 0) ? 0 : 1;

async function runTests({ path, version, from }: Extract<NatsVersion, { path: string }>): Promise<Row> {
  console.log(`testing nats-server ${version} (${from})`);
  const report = join(folder.path, `${version}.json`);
  const excluded = left.flatMap((file) => ['--exclude', file]);
  const reporters = ['--reporter=dot', '--reporter=json', `--outputFile.json=${report}`];
  const args = [inCheckout('node_modules/vitest/vitest.mjs'), 'run', ...tests, ...excluded, ...reporters];
  const env = { ...process.env, NATS_URL: '', PATH: [dirname(path), process.env.PATH].join(delimiter) };
  const startedMs = performance.now();
  await new Promise<void>((resolve, reject) => {
    const vitest = spawn(process.execPath, args, { env, cwd: inCheckout('.'), stdio: 'inherit' });
    vitest.on('error', reject);
    vitest.on('exit', () => resolve());
  });
  const seconds = Math.round((performance.now() - startedMs) / 1_000);
  return { version, from, seconds, ...countsOf(report) };
}

function countsOf(report: string): Pick<Row, 'passed' | 'failed' | 'skipped' | 'failures'> {
  const read: {
    numPassedTests: number;
    numFailedTests: number;
    numPendingTests: number;
    numFailedTestSuites: number;
    testResults: { name: string; assertionResults: { status: string; fullName: string }[] }[];
  } = JSON.parse(readFileSync(report, 'utf8'));
  const all = read.testResults.flatMap(({ assertionResults }) => assertionResults);
  const failures = all.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName);
  // A file that could not be run at all has no tests that failed.
  const failed = Math.max(read.numFailedTests, read.numFailedTestSuites > 0 ? 1 : 0);
  return { passed: read.numPassedTests, failed, skipped: read.numPendingTests, failures };
}
