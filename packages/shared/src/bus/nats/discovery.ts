/** Who is there: every service of NATS's service protocol that answers `$SRV.INFO`, collected for a given time. */
import { z } from 'zod';
import type { Bus, ServiceInstance } from '../bus.js';

/** What a service says of itself; fields that are not read here are passed over. */
const info = z.object({
  name: z.string(),
  id: z.string(),
  version: z.string(),
  metadata: z.record(z.string(), z.string()).nullish(),
});

/** Asks on `bus`, and collects what is said within `limitMs`. Whoever says something unreadable is left out. */
export async function discoverServices(bus: Bus, limitMs: number): Promise<ServiceInstance[]> {
  const found = new Map<string, ServiceInstance>();
  const inbox = bus.newInbox();
  const answers = bus.subscribe(inbox, ({ data }) => {
    const service = readInfo(data);
    if (service !== undefined) found.set(service.id, service);
  });
  bus.publish('$SRV.INFO', new Uint8Array(0), { reply: inbox });
  await new Promise((resolve) => setTimeout(resolve, limitMs));
  await answers.drain();
  return [...found.values()];
}

function readInfo(data: Uint8Array): ServiceInstance | undefined {
  try {
    const { name, id, version, metadata } = info.parse(JSON.parse(Buffer.from(data).toString()));
    return { name, id, version, metadata: metadata ?? {} };
  } catch {
    // Anybody may answer, also "no responders" does.
    return undefined;
  }
}
