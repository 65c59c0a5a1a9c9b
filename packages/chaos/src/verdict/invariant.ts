/** What a verdict says of one thing that always holds. */

export interface Invariant {
  readonly name: string;
  /** `untested`: the run had nothing that could show it. */
  readonly state: 'pass' | 'fail' | 'untested';
  /** Sentences without a full stop, for a person. */
  readonly evidence: readonly string[];
}
