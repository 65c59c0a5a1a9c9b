/** The time limit of a query: what its headers say, or the model's default. */
import { type HeaderReader, headerNames, quote, SlacklineError } from '@slackline/shared';

/** When a message arrived. Broker time is only read where it is asked for, and then once. */
export class Arrival {
  #brokerNowMs: number | undefined;

  /**
   * @param nowMs monotonic milliseconds
   * @param brokerTime milliseconds since 1970
   */
  constructor(
    readonly nowMs: number,
    private readonly brokerTime: { nowMs(): number },
  ) {}

  /** Broker time in milliseconds since 1970. */
  get brokerNowMs(): number {
    this.#brokerNowMs ??= this.brokerTime.nowMs();
    return this.#brokerNowMs;
  }

  /** In broker time, what `ms` is on the monotonic clock. */
  toBrokerMs(ms: number): number {
    return this.brokerNowMs + ms - this.nowMs;
  }
}

/**
 * When the query must be answered, on the monotonic clock of `arrival`.
 * Throws `wrong_deadline`.
 */
export function deadlineOf(headers: HeaderReader, arrival: Arrival, defaultSloMs: number, maxSloMs: number): number {
  const slo = headers.get(headerNames.sloMs);
  const deadline = headers.get(headerNames.deadline);
  if (slo !== undefined && deadline !== undefined) {
    throw new SlacklineError('wrong_deadline', `The query has both ${headerNames.sloMs} and ${headerNames.deadline}`);
  }
  let limitMs = defaultSloMs;
  if (slo !== undefined) limitMs = decimal(headerNames.sloMs, slo);
  if (deadline !== undefined) limitMs = remaining(decimal(headerNames.deadline, deadline), arrival);
  if (slo !== undefined && limitMs <= 0) {
    throw new SlacklineError('wrong_deadline', `${headerNames.sloMs} is ${quote(slo)}, but must be above 0`);
  }
  if (limitMs > maxSloMs) {
    throw new SlacklineError(
      'wrong_deadline',
      `The query may take ${Math.round(limitMs)} ms, and ${maxSloMs} ms are allowed`,
    );
  }
  return arrival.nowMs + limitMs;
}

function remaining(deadlineMs: number, { brokerNowMs }: Arrival): number {
  const remainingMs = deadlineMs - brokerNowMs;
  if (remainingMs > 0) return remainingMs;
  throw new SlacklineError(
    'wrong_deadline',
    `${headerNames.deadline} lies ${Math.round(-remainingMs)} ms in the past of the broker’s time`,
  );
}

/** A plain decimal number: no sign, no exponent, nothing that parses to NaN or Infinity. */
const decimalPattern = /^\d{1,15}(\.\d{1,15})?$/;

function decimal(name: string, text: string): number {
  if (decimalPattern.test(text)) return Number(text);
  throw new SlacklineError('wrong_deadline', `${name} is ${quote(text)}, but must be a decimal number of milliseconds`);
}
