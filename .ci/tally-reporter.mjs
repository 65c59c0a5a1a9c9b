/**
 * A vitest reporter for .ci/run: prints why each skipped test was skipped, and writes "passed failed skipped" to
 * TALLY_FILE when the run is over. A file that cannot be loaded and an error outside of any test count as failed.
 */
import { writeFileSync } from 'node:fs';

export default class TallyReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      if (module.errors().length > 0) counts.failed += 1;
      for (const test of module.children.allTests()) {
        const { state, note } = test.result();
        // Interrupted before it had a result.
        counts[state === 'pending' ? 'failed' : state] += 1;
        if (state === 'skipped') console.log(`skipped ${test.fullName}: ${note ?? 'no reason given'}`);
      }
    }
    writeFileSync(process.env.TALLY_FILE, `${counts.passed} ${counts.failed} ${counts.skipped}\n`);
  }
}
