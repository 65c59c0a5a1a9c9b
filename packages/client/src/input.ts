/** What a producer may hand in as a model's input, and the body that it becomes. */
import { bytesOf, type ContentType, contentTypeOf, contentTypes, type TensorData } from '@slackline/shared';

/** A request of the Open Inference Protocol; sent as JSON. */
export interface InferenceRequest {
  id?: string;
  inputs: { name: string; shape: number[]; datatype: string; data: unknown }[];
  parameters?: Record<string, unknown>;
}

/**
 * One row: a typed array of the input's datatype (sent as raw little-endian bytes), a request object (sent as JSON), or
 * bytes that are a body already (see `contentType`).
 */
export type Input = TensorData | InferenceRequest;

/** The body of an input. Throws `unsupported_content_type`. */
export function toBody(input: Input, contentType: string | undefined): { body: Uint8Array; contentType: ContentType } {
  if (ArrayBuffer.isView(input)) return { body: bytesOf(input), contentType: contentTypeOf(contentType) };
  return { body: Buffer.from(JSON.stringify(input)), contentType: contentTypes.json };
}
