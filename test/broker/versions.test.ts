/**
 * The bus on other versions of nats-server than this machine's own: those of Debian's releases, where they can be had. All that
 * meets the broker runs on each of them by `npm run test:nats-versions`.
 */
import { type NatsVersion, natsVersions, startNatsServer } from '@slackline/local';
import { describe, it } from 'vitest';
import { describeBus } from '../bus/conformance/conformance.js';
import { describeRestarts } from '../bus/restarts.js';

// The first is this machine's: test/bus runs on that.
const [, ...others] = await natsVersions({ limitMs: 30_000 });
for (const each of others) describeVersion(each);

function describeVersion(each: NatsVersion): void {
  if ('why' in each) {
    describe(`the bus on the nats-server of ${each.from}`, () => {
      it('conforms', ({ skip }) => skip(each.why));
    });
    return;
  }
  const name = `nats-server ${each.version} of ${each.from}`;
  describeBus(name, async () => {
    const server = await startNatsServer({ binary: each.path });
    return { url: server.url, stop: () => server.close() };
  });
  describeRestarts(name, each.path);
}
