/** The bus against a nats-server in a container: another file system, another network, the same conformance suite. */
import { inCheckout } from '@slackline/local';
import { GenericContainer, Wait } from 'testcontainers';
import { describe, it } from 'vitest';
import { describeBus } from '../bus/conformance/conformance.js';
import { importNatsImage, NATS_IMAGE, whyNoEngine } from './nats-image.js';

// testcontainers' own cleaner is an image of a registry; the container is stopped below.
process.env.TESTCONTAINERS_RYUK_DISABLED ??= 'true';

const missing = await whyNoEngine();
if (missing === undefined) {
  describeBus('a containerized nats-server', startInContainer);
} else {
  describe('the bus on a containerized nats-server', () => {
    it('conforms', ({ skip }) => skip(missing));
  });
}

async function startInContainer(): Promise<{ url: string; stop(): Promise<void> }> {
  await importNatsImage();
  const container = await new GenericContainer(NATS_IMAGE)
    .withCopyFilesToContainer([{ source: inCheckout('infra/nats/local.conf'), target: '/nats.conf' }])
    .withEnvironment({
      NATS_HOST: '0.0.0.0',
      NATS_PORT: '4222',
      NATS_MAX_PAYLOAD: '8388608',
      NATS_STORE_DIR: '/tmp/jetstream',
    })
    .withCommand(['-c', '/nats.conf'])
    .withExposedPorts(4222)
    // The default strategy looks from inside, with a shell that this image has not.
    .withWaitStrategy(Wait.forLogMessage('Server is ready'))
    .start();
  return {
    url: `nats://${container.getHost()}:${container.getMappedPort(4222)}`,
    stop: async () => {
      await container.stop();
    },
  };
}
