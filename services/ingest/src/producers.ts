/** Where queries come from: producers of our own account, and each tenant's, whose subjects the broker gives a name of ours. */
import {
  type Bus,
  type BusMessage,
  type HeaderReader,
  headerNames,
  type Subjects,
  type Subscription,
} from '@slackline/shared';
import type { IngestConfig } from './config.js';

/** Ingests share the queries: each goes to one of this queue group. */
const queueGroup = 'ingest';

/** Who a message comes from. */
export interface Origin {
  tenant: string | undefined;
  /** What reply subjects must begin with. */
  prefixes: readonly string[];
}

/** Told of every message, with reply subjects as this account calls them. */
export interface ProducerListener {
  onQuery(message: BusMessage, origin: Origin): void;
  /** A producer that was cut off asks what became of a query. `replyTo`: the reply subject that the query had. */
  onQuestion(headers: HeaderReader, replyTo: string, origin: Origin): void;
}

/** Listens to producers, and to those of each tenant: its account's reply subjects are its own. */
export function hearProducers(
  bus: Pick<Bus, 'subscribe'>,
  subjects: Subjects,
  { ALLOWED_REPLY_PREFIXES: prefixes, TENANTS }: Pick<IngestConfig, 'ALLOWED_REPLY_PREFIXES' | 'TENANTS'>,
  listener: ProducerListener,
): Subscription[] {
  const hear = (subject: string, origin: Origin, mapped: (reply: string) => string) =>
    bus.subscribe(
      subject,
      (message) => {
        const { headers } = message;
        const asked = headers.get(headerNames.outcomeAgain);
        if (asked !== undefined) listener.onQuestion(headers, mapped(asked), origin);
        else listener.onQuery(origin.tenant === undefined ? message : ofOurs(message, mapped), origin);
      },
      { queue: queueGroup },
    );
  const ofTenant = (tenant: string) => {
    const mapped = (reply: string) => subjects.ofTenant(tenant, reply);
    return hear(mapped('infer.*'), { tenant, prefixes: prefixes.map(mapped) }, mapped);
  };
  const ours = hear(subjects.infer('*'), { tenant: undefined, prefixes }, (reply) => reply);
  return [ours, ...TENANTS.map(ofTenant)];
}

/** A tenant's message as one of our account. */
function ofOurs({ subject, headers, data, reply }: BusMessage, mapped: (reply: string) => string): BusMessage {
  return { subject, headers, data, reply: reply === undefined ? undefined : mapped(reply) };
}
