/** The way of a query: looked at, let in, published to the stream, or refused. Thousands a second come this way. */
import { randomUUID } from 'node:crypto';
import {
  type BrokerTime,
  type Bus,
  type BusMessage,
  type Clock,
  type Complaints,
  type Constraints,
  contentTypes,
  forbiddenReply,
  isAllowedReply,
  type Log,
  messageIdOf,
  type Priority,
  SlacklineError,
} from '@slackline/shared';
import { type AdmittedQuery, admit, checkContent, readableId } from './admission.js';
import type { Catalog } from './catalog.js';
import type { IngestConfig } from './config.js';
import type { Counters } from './counters.js';
import { Arrival } from './deadline.js';
import type { Door, Gate } from './door.js';
import { type Sender, type StampedQuery, stamped } from './outgoing.js';
import type { Origin } from './producers.js';
import type { PublishResult } from './publish-result.js';
import { Publisher } from './publisher.js';
import { Refusals } from './refusals.js';

/** Room that the stamped headers take of the broker's max_payload. */
const headerRoomBytes = 2_048;

export interface IntakeParts {
  bus: Bus;
  clock: Clock;
  log: Log;
  catalog: Catalog;
  door: Door;
  brokerTime: BrokerTime;
  counters: Counters;
  complaints: Complaints;
}

export class Intake {
  readonly publisher: Publisher<StampedQuery>;
  readonly #refusals: Refusals;
  readonly #limits: { maxSloMs: number; maxBodyBytes: number };

  constructor(
    private readonly config: IngestConfig,
    private readonly parts: IntakeParts,
  ) {
    const { bus, clock, counters } = parts;
    const limits = {
      maxUnanswered: config.MAX_UNANSWERED,
      maxUnansweredBytes: config.MAX_UNANSWERED_BYTES,
      pubAckTimeoutMs: config.PUBACK_TIMEOUT_MS,
      duplicateWindowMs: config.DUPLICATE_WINDOW_MS,
    };
    const publisher = new Publisher<StampedQuery>(bus, clock, limits, (query, result) => this.#settle(query, result));
    this.publisher = publisher;
    this.#refusals = new Refusals(bus, clock, counters, () => Math.max(config.RETRY_AFTER_MS, publisher.delayMs));
    const roomBytes = bus.maxPayloadBytes - headerRoomBytes;
    this.#limits = { maxSloMs: config.MAX_SLO_MS, maxBodyBytes: Math.min(config.MAX_BODY_BYTES, roomBytes) };
  }

  /** One message from a producer. Never throws: nothing that comes from outside may end the process. */
  take(message: BusMessage, { tenant, prefixes }: Origin): void {
    const { reply } = message;
    if (reply !== undefined && !isAllowedReply(reply, prefixes)) {
      // Not answered, since an answer is what the attack is after.
      this.#refusals.refuse(message, undefined, forbiddenReply(reply, prefixes));
      return;
    }
    try {
      this.#admit(message, { tenant, reply });
    } catch (error) {
      if (error instanceof SlacklineError) this.#refusals.refuse(message, readableId(message.headers), error);
      else this.parts.complaints.warn('check', { err: error }, 'a query could not be checked');
    }
  }

  /** Throws what is wrong with the query itself. What turns good ones away, in their thousands, is not thrown. */
  #admit(message: BusMessage, sender: Sender): void {
    const { catalog, clock, door } = this.parts;
    const nowMs = clock.now();
    const arrival = new Arrival(nowMs, this.parts.brokerTime);
    const query = admit(message, arrival, catalog, this.#limits, randomUUID);
    const { body, contentType, deadlineMs, model } = query;
    const messageId = messageIdOf(query.id, sender.tenant);
    const refusal = this.publisher.refusal(messageId, body.length, deadlineMs, nowMs);
    if (refusal !== undefined) {
      this.#refusals.refuse(message, query.id, refusal);
      return;
    }
    const gate = door.gate(model.name, arrival);
    const constraints = gate === undefined ? checkContent(query) : this.#letIn(gate, message, query, arrival);
    if (constraints === undefined) return;
    const subject = body.length > this.config.CLAIM_ABOVE_BYTES ? model.claims : model.queries;
    // To read a body that is more than bytes may have taken its time.
    const sentAtMs = contentType === contentTypes.bytes ? nowMs : clock.now();
    this.publisher.publish(stamped(query, message, sender, constraints, { subject, messageId }), sentAtMs);
  }

  /** What a query asks that may come in although its model is overloaded; undefined where it was refused. */
  #letIn(gate: Gate, message: BusMessage, query: AdmittedQuery, arrival: Arrival): Constraints | undefined {
    const { brokerNowMs } = arrival;
    const deadlineMs = arrival.toBrokerMs(query.deadlineMs);
    const isTurnedAway = (priority: Priority) => {
      const refusal = gate.refusal(priority, deadlineMs, brokerNowMs);
      if (refusal !== undefined) this.#refusals.refuse(message, query.id, refusal.error, refusal.retryAfterMs);
      return refusal !== undefined;
    };
    // A body that is more than bytes may ask for a priority too: before it is read, that may be the highest.
    const isBytes = query.contentType === contentTypes.bytes;
    if (isTurnedAway(query.constraints.priority ?? (isBytes ? 'normal' : 'high'))) return undefined;
    const constraints = checkContent(query);
    const { priority = 'normal' } = constraints;
    if (!isBytes && isTurnedAway(priority)) return undefined;
    gate.entered(priority, deadlineMs, brokerNowMs);
    return constraints;
  }

  /** What became of a publish. Never throws. */
  #settle({ message, id }: StampedQuery, result: PublishResult): void {
    const { counters, log } = this.parts;
    if (result.is === 'stored') counters.accepted++;
    else if (result.is === 'unconfirmed') counters.unconfirmed++;
    else {
      try {
        this.#refusals.refuse(message, id, result.error);
      } catch (error) {
        log.error({ err: error, query: id }, 'a refusal could not be sent');
      }
    }
  }
}
