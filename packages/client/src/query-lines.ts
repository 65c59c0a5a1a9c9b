/** The headers that queries with the same options have in common, which are written once as long as the options stay. */
import { decimalText, HeaderLines, headerNames } from '@slackline/shared';
import type { QueryOptions } from './options.js';

type Said = Pick<QueryOptions, 'deadline' | 'contentType' | 'minAccuracy' | 'priority'>;

export class QueryLines {
  #said: Said = {};
  #lines = HeaderLines.none;

  /** All that the options say in headers but the limit, which may change until the query leaves, and the id. */
  of(options: Said): HeaderLines {
    if (!isSame(this.#said, options)) {
      const { deadline, contentType, minAccuracy, priority } = options;
      let lines = HeaderLines.none;
      if (deadline !== undefined) lines = lines.and(headerNames.deadline, decimalText(deadline));
      if (contentType !== undefined) lines = lines.and(headerNames.contentType, contentType);
      if (minAccuracy !== undefined) lines = lines.and(headerNames.minAccuracy, decimalText(minAccuracy));
      if (priority !== undefined) lines = lines.and(headerNames.priority, priority);
      this.#lines = lines;
      // Of its own: a caller may change its options and send again.
      this.#said = { ...options };
    }
    return this.#lines;
  }
}

function isSame(a: Said, b: Said): boolean {
  return (
    a.deadline === b.deadline &&
    a.contentType === b.contentType &&
    a.minAccuracy === b.minAccuracy &&
    a.priority === b.priority
  );
}
