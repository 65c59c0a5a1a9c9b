/** Every subject, stream, bucket and key on the bus. Several deployments share one NATS by different prefixes. */

/**
 * A name that can stand as one token of a subject and as part of a key: letters, digits, `-` and `_`. Not `__proto__`, which
 * msgpack libraries of JavaScript do not give back as it was.
 */
export const namePattern = /^(?!__proto__$)[A-Za-z0-9_-]{1,64}$/;

/** Names of streams and buckets; with a prefix `a.b` they become `A_B_QUERIES`. */
export interface StoreNames {
  /** Work-queue stream of accepted queries. */
  queries: string;
  /** Another one, of those with large bodies: the scheduler is told of them without, and workers fetch them. */
  claims: string;
  /** Stream of answers for producers that gave no reply subject. */
  results: string;
  /** One-message stream whose timestamps tell the broker's time. */
  clock: string;
  /** KV: served models and their latency profiles. */
  profiles: string;
  /** Object store: servable models by digest. */
  models: string;
  /** KV: pending and failed submissions by model name. Object store: their files by digest. */
  submissions: string;
  /** KV: who schedules, with the fencing token of the term. */
  leader: string;
}

/** The subjects of one deployment. */
export class Subjects {
  readonly stores: StoreNames;
  readonly #root: string;

  /** @param prefix empty, or tokens joined by dots that stand before every subject */
  constructor(readonly prefix = '') {
    this.#root = prefix === '' ? '' : `${prefix}.`;
    const store = (name: string) => (prefix === '' ? name : `${prefix.replaceAll('.', '_')}_${name}`);
    this.stores = {
      queries: store('QUERIES'),
      claims: store('CLAIMS'),
      results: store('RESULTS'),
      clock: store('CLOCK'),
      profiles: store('profiles'),
      models: store('models'),
      submissions: store('submissions'),
      leader: store('leader'),
    };
  }

  /** Where producers publish queries for `model`; `*` for all models. */
  infer(model: string): string {
    return `${this.#root}infer.${model}`;
  }

  /** Where accepted queries lie in QUERIES; `*` for all models, `>` for those in CLAIMS as well. */
  queries(model: string): string {
    return `${this.#root}queries.${model}`;
  }

  /** Where they lie in CLAIMS: the scheduler is told of them without their bodies, which workers fetch; `*` for all models. */
  claims(model: string): string {
    return `${this.#root}queries.claim.${model}`;
  }

  /** Where an answer lies in the RESULTS stream, of a tenant in its own one. */
  results(model: string, key: string, tenant?: string): string {
    const subject = `results.${model}.${key}`;
    return tenant === undefined ? `${this.#root}${subject}` : this.ofTenant(tenant, subject);
  }

  /**
   * What the account of a tenant calls `subject` (`infer.<model>`, `results.>`, a reply subject), as the services call it:
   * the broker maps one to the other, so that nobody else's account can name it.
   */
  ofTenant(tenant: string, subject: string): string {
    return `${this.#root}tenants.${tenant}.${subject}`;
  }

  /** The stream of stored answers of a tenant. Its account calls it as the one of deployments without tenants is called. */
  resultsOf(tenant: string): string {
    return `${this.stores.results}_${tenant}`;
  }

  get allResults(): string {
    return `${this.#root}results.>`;
  }

  /** What is published when a key of the `profiles` bucket is written. */
  profile(key: string): string {
    return `$KV.${this.stores.profiles}.${key}`;
  }

  get clock(): string {
    return `${this.#root}clock`;
  }

  get workersAvailable(): string {
    return `${this.#root}workers.available`;
  }

  /** Status of a worker, at a steady beat; `*` for all workers. */
  heartbeat(workerId: string): string {
    return `${this.#root}workers.${workerId}.heartbeat`;
  }

  /** Batch commands to a worker. */
  batch(workerId: string): string {
    return `${this.#root}workers.${workerId}.batch`;
  }

  /** Answered at once by a living worker; "no responders" means that it is gone. */
  ping(workerId: string): string {
    return `${this.#root}workers.${workerId}.ping`;
  }

  /** Tells a worker that its epoch is over: it was given up and must announce itself under a new one. */
  fenced(workerId: string): string {
    return `${this.#root}workers.${workerId}.fenced`;
  }

  /** A new leader calls: every worker says how it is, and takes no command of an earlier leader any more. */
  get rollCall(): string {
    return `${this.#root}workers.rollcall`;
  }

  /** Answered at once by a scheduler that lives; "no responders" means that its connection is gone. */
  schedulerPing(schedulerId: string): string {
    return `${this.#root}schedulers.${schedulerId}.ping`;
  }

  /** Asks a worker to time a grid of (subnet, batch). */
  measure(workerId: string): string {
    return `${this.#root}workers.${workerId}.measure`;
  }

  /** What waits of models that are overloaded, from the scheduler to the ingests. */
  get backlog(): string {
    return `${this.#root}backlog`;
  }

  /** From an ingest to every scheduler: a producer that was cut off asks for an outcome that it may have missed. */
  get outcomesAgain(): string {
    return `${this.#root}outcomes.again`;
  }

  get batchesDone(): string {
    return `${this.#root}batches.done`;
  }

  /** Requests to the profiler: take a supernet, take a model away, measure its latency anew. */
  profiler(request: 'submit' | 'remove' | 'measure'): string {
    return `${this.#root}profiler.${request}`;
  }

  /** One-second summaries of a service; `>` for all. */
  telemetry(service: string): string {
    return `${this.#root}telemetry.${service}`;
  }

  /** The last token of a subject: the model of `infer.<model>`, `queries.<model>` and `queries.claim.<model>`. */
  static lastToken(subject: string): string {
    return subject.slice(subject.lastIndexOf('.') + 1);
  }
}

/** Keys in the `profiles` bucket. */
export const profileKeys = {
  model: (model: string) => `model.${model}`,
  /** A version that takes the model's place once its latency is known. Workers load it beside the present one. */
  candidate: (model: string) => `candidate.${model}`,
  latency: (model: string, deviceClass: string) => `latency.${model}.${deviceClass}`,
  /** What a key of latencies is about; undefined for other keys. */
  latencyOf(key: string): { model: string; deviceClass: string } | undefined {
    const [kind, model, deviceClass, ...more] = key.split('.');
    if (kind !== 'latency' || model === undefined || deviceClass === undefined || more.length > 0) return undefined;
    return { model, deviceClass };
  },
} as const;
