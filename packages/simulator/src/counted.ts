/** A policy, and how often it was asked. */
import type { Policy } from '@slackline/scheduling';

export interface Counted {
  readonly policy: Policy;
  readonly decisions: number;
}

/** What is optional in a policy stays away where it is not there: the dispatcher looks. */
export function counted(policy: Policy): Counted {
  let decisions = 0;
  const { carriedOut, perWorker } = policy;
  return {
    policy: {
      name: policy.name,
      decide(view) {
        decisions += 1;
        return policy.decide(view);
      },
      ...(carriedOut !== undefined && { carriedOut: carriedOut.bind(policy) }),
      ...(perWorker !== undefined && { perWorker }),
    },
    get decisions() {
      return decisions;
    },
  };
}
