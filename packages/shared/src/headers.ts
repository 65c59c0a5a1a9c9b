/** Message headers: the names, and who sets them. docs/protocol.md describes each. */

export const headerNames = {
  // Set by producers on `infer.<model>`.
  sloMs: 'Slo-Ms',
  deadline: 'Deadline',
  contentType: 'Content-Type',
  queryId: 'Query-Id',
  resultKey: 'Result-Key',
  // Checked and stamped by ingest too: they may have been said in the body.
  minAccuracy: 'Min-Accuracy',
  priority: 'Priority',
  /** Makes of a message no query, but the question what became of one; its value is that query's reply subject. */
  outcomeAgain: 'Outcome-Again',
  // Reserved for task graphs: passed on untouched.
  rootId: 'Root-Id',
  stage: 'Stage',
  // Stamped by ingest on `queries.<model>`; the id is JetStream's own de-duplication header.
  messageId: 'Nats-Msg-Id',
  budgetMs: 'Budget-Ms',
  replyTo: 'Reply-To',
  /** Whose query it is, where tenants have accounts of their own. */
  tenant: 'Tenant',
  // Set on answers by the scheduler; on refusals by ingest.
  outcome: 'Outcome',
  subnet: 'Subnet',
  accuracy: 'Accuracy',
  batchSize: 'Batch-Size',
  queueMs: 'Queue-Ms',
  inferenceMs: 'Inference-Ms',
  deadlineMet: 'Deadline-Met',
  executor: 'Executor',
  errorCode: 'Error-Code',
  retryAfterMs: 'Retry-After-Ms',
  serviceError: 'Nats-Service-Error',
  serviceErrorCode: 'Nats-Service-Error-Code',
} as const;

/** Bodies that queries and answers come in. */
export const contentTypes = {
  bytes: 'application/octet-stream',
  json: 'application/json',
  msgpack: 'application/msgpack',
} as const;

export type ContentType = (typeof contentTypes)[keyof typeof contentTypes];

/** Headers as they are read; names are matched as written above. */
export interface HeaderReader {
  /** The block could not be read whole, so that nothing in it can be relied on: `get` gives nothing. Absent: it could. */
  readonly isDamaged?: boolean;
  get(name: string): string | undefined;
}

/** Headers as they are written. */
export type HeaderValues = Readonly<Record<string, string>>;

/** In a name: what may not stand in one. In a value: what is not written as it is. */
const notInName = /[^!-9;-~]/;
const notPlain = /[^\t -~]/;

/**
 * The lines of a header block as they are on the wire, a character for each byte. What many messages have in common is
 * written once and put together with what is each one's own.
 */
export class HeaderLines implements HeaderReader {
  static readonly none = new HeaderLines('');

  private constructor(
    /** Each line with its end. */
    readonly text: string,
  ) {}

  /** Throws TypeError for a name or a value that would end its line. */
  static of(values: HeaderValues | HeaderLines): HeaderLines {
    if (values instanceof HeaderLines) return values;
    return HeaderLines.none.with(values);
  }

  /** What was the `text` of others before. */
  static again(text: string): HeaderLines {
    return new HeaderLines(text);
  }

  /** One line more. Throws as `of`. */
  and(name: string, value: string): HeaderLines {
    return new HeaderLines(this.text + line(name, value));
  }

  /** More lines behind these. Throws as `of`. */
  with(values: HeaderValues): HeaderLines {
    let { text } = this;
    for (const name in values) text += line(name, values[name] ?? '');
    return new HeaderLines(text);
  }

  /** Slow: for those who wrap a bus and look at what goes by. */
  get(name: string): string | undefined {
    const begin = `${name}: `;
    const found = this.text.split('\r\n').find((each) => each.startsWith(begin));
    return found === undefined ? undefined : Buffer.from(found.slice(begin.length), 'latin1').toString();
  }
}

/** Names that were found good: there are few, and each is written often. */
const goodNames = new Set<string>();
const mostGoodNames = 256;

function line(name: string, value: string): string {
  if (!goodNames.has(name)) {
    if (name === '' || notInName.test(name))
      throw new TypeError(`a header cannot have the name ${JSON.stringify(name)}`);
    if (goodNames.size < mostGoodNames) goodNames.add(name);
  }
  return `${name}: ${notPlain.test(value) ? bytesOf(name, value) : value}\r\n`;
}

function bytesOf(name: string, value: string): string {
  if (/[\r\n\0]/.test(value)) throw new TypeError(`the header ${name} cannot have the value ${JSON.stringify(value)}`);
  return Buffer.from(value).toString('latin1');
}

/** What became of an accepted query; each gets exactly one. `refused` is what was never accepted. */
export type Outcome = 'ok' | 'late' | 'expired' | 'failed';
export const outcomes: readonly Outcome[] = ['ok', 'late', 'expired', 'failed'];
