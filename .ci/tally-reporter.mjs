/**
 * A vitest reporter for .ci/run. Prints why each skipped test was skipped; writes "passed failed skipped" to TALLY_FILE when
 * the run is over, and what failed, or passed only at a second attempt, to REMARKS_FILE. A file that cannot be loaded and an
 * error outside of any test count as failed.
 */
import { writeFileSync } from 'node:fs';

const longest = 600;

/** What an error says, and where in our own files. */
function textOf({ message = '', stack = '' }) {
  const own = stack.split('\n').filter((line) => /^\s+at /.test(line) && !line.includes('node_modules'));
  return [message.slice(0, longest), ...own.map((line) => line.trim())].join('\n').replaceAll('\n', '\n    ');
}

export default class TallyReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    const remarks = unhandledErrors.map((error) => `FAILED  outside of any test\n    ${textOf(error)}`);
    for (const module of modules) {
      for (const error of module.errors()) remarks.push(`FAILED  ${module.relativeModuleId}\n    ${textOf(error)}`);
      if (module.errors().length > 0) counts.failed += 1;
      for (const test of module.children.allTests()) {
        const { state, note, errors = [] } = test.result();
        const name = `${module.relativeModuleId} > ${test.fullName}`;
        // Interrupted before it had a result.
        counts[state === 'pending' ? 'failed' : state] += 1;
        if (state === 'skipped') console.log(`skipped ${test.fullName}: ${note ?? 'no reason given'}`);
        if (state === 'failed') remarks.push(`FAILED  ${name}\n    ${errors.map(textOf).join('\n    ')}`);
        if (state === 'passed' && test.diagnostic()?.flaky) {
          remarks.push(`passed only at a second attempt: ${name}\n    ${errors.map(textOf).join('\n    ')}`);
        }
      }
    }
    writeFileSync(process.env.TALLY_FILE, `${counts.passed} ${counts.failed} ${counts.skipped}\n`);
    writeFileSync(process.env.REMARKS_FILE, remarks.map((remark) => `${remark}\n`).join(''));
  }
}
