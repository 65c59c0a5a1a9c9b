export type { ModelEntry, Tensor } from '@slackline/shared';
export type { Answer, RawAnswer, Unanswered } from './answer.js';
export {
  type ClientCounts,
  type ClientOptions,
  type ConnectOptions,
  connect,
  type PublishOptions,
  type QueryOptions,
  SlacklineClient,
} from './client.js';
export type { InferenceRequest, Input } from './input.js';
export type { ResultOptions } from './results.js';
