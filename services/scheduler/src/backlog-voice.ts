/** Tells the ingests what waits of models that are overloaded, so that hopeless queries are refused at the door. */
import type { Dispatcher, ModelBacklog } from '@slackline/scheduling';
import { type BacklogReport, type Bus, type Clock, mostTakesMs, pack, type Subjects } from '@slackline/shared';
import type { HeldQuery } from './held-query.js';

export interface BacklogVoiceParts {
  bus: Bus;
  subjects: Subjects;
  clock: Clock;
  everyMs: number;
  /** Broker time, which the dispatcher runs in. */
  now: () => number;
  /** Whether nothing may be said. */
  isSilent: () => boolean;
}

export class BacklogVoice {
  #cancelTimer: () => void = () => {};
  /** Whether the last report named a model. */
  #hasAlarmed = false;

  constructor(
    private readonly dispatcher: Pick<Dispatcher<HeldQuery>, 'backlogs'>,
    private readonly parts: BacklogVoiceParts,
  ) {}

  start(): void {
    this.#cancelTimer = this.parts.clock.after(this.parts.everyMs, () => {
      this.#tell();
      this.start();
    });
  }

  stop(): void {
    this.#cancelTimer();
  }

  #tell(): void {
    const { bus, subjects, now, isSilent } = this.parts;
    if (isSilent()) return;
    const backlogs = this.dispatcher.backlogs(now());
    // Nothing to say, and said already.
    if (backlogs.length === 0 && !this.#hasAlarmed) return;
    this.#hasAlarmed = backlogs.length > 0;
    bus.publish(subjects.backlog, pack<BacklogReport>({ v: 1, models: backlogs.map(written) }));
  }
}

function written({ model, capacityPerMs, ahead }: ModelBacklog): BacklogReport['models'][number] {
  const of = (priority: number) => {
    const { takesMs = 0, latestMs = 0, sloMs = 0, within = [] } = ahead[priority] ?? {};
    const finite = { latestMs: takesMs === 0 ? 0 : latestMs, sloMs: Math.min(sloMs, Number.MAX_SAFE_INTEGER) };
    const told = within.map((part) => ({ ...part, takesMs: Math.min(part.takesMs, mostTakesMs) }));
    return { takesMs: Math.min(takesMs, mostTakesMs), ...finite, within: told };
  };
  return { model, capacityPerMs, low: of(0), normal: of(1), high: of(2) };
}
