/** Low, normal, high. */
export type PriorityClass = 0 | 1 | 2;
export const priorityClasses: readonly PriorityClass[] = [0, 1, 2];

/** A query as the scheduler sees it: who it is, and by when it wants its answer. */
export interface Query {
  readonly id: string;
  readonly model: string;
  /** Absolute, in the same time as every `nowMs` that is passed in. */
  readonly deadlineMs: number;
  /** What it was given: the time from its acceptance to its deadline. */
  readonly sloMs: number;
  /** Position in its stream: the order of acceptance there, which breaks ties between equal deadlines. */
  readonly sequence: number;
  /** Size of its body, because a batch must fit one message. */
  readonly bytes: number;
  /** Top-1 in 0..1 that its subnet must have at least; 0: any subnet will do. */
  readonly minAccuracy: number;
  /** Under overload lower classes are shed first. */
  readonly priority: PriorityClass;
  /** How many workers were lost while they held it. After the first it runs alone, after the second it has failed. */
  deaths: number;
}
