export type { ModelEntry, Tensor } from '@slackline/shared';
export type { Answer, RawAnswer, Unanswered } from './answer.js';
export { connect, SlacklineClient } from './client.js';
export type { InferenceRequest, Input } from './input.js';
export type { ClientCounts, ClientOptions, ConnectOptions, PublishOptions, QueryOptions } from './options.js';
export type { ResultOptions } from './results.js';
