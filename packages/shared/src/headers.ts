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

/** What became of an accepted query; each gets exactly one. `refused` is what was never accepted. */
export type Outcome = 'ok' | 'late' | 'expired' | 'failed';
export const outcomes: readonly Outcome[] = ['ok', 'late', 'expired', 'failed'];
