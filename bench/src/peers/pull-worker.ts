/**
 * A peer's worker: pulls the work queue itself, shares its durable consumer with the others, runs what it has in batches,
 * first come, first served, on a fixed subnet. MODEL_FILE: the subnet.
 */
import { commonConfig, connectBus, readConfig, runService, type StreamMessage, tameCollector } from '@slackline/shared';
import { z } from 'zod';
import { Batches, Inference, mostRows } from './inference.js';
import { queue } from './queue.js';

tameCollector();
runService('pull-worker', async () => {
  const config = readConfig(commonConfig.extend({ MODEL_FILE: z.string().min(1) }), process.env);
  const inference = await Inference.open(config.MODEL_FILE);
  const bus = await connectBus({ url: config.NATS_URL, name: 'pull-worker' });
  const batches = new Batches<StreamMessage>(inference, mostRows, (query, logits) => {
    bus.publish(query.headers.get(queue.replyTo) ?? '', logits);
    query.ack();
  });
  const consumption = await bus.consume({ stream: queue.stream, ...queue.consumer }, (query) => {
    batches.add(query.data, query);
  });
  return {
    async stop() {
      await consumption.stop();
      await bus.close();
    },
  };
});
