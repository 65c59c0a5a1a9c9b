/** Hands a submission over: asks first, uploads what the profiler says it lacks, and asks again. */
import {
  hasCode,
  requestReply,
  type SearchOptions,
  type SubmitReply,
  type SubmitRequest,
  type SubmittedFile,
  submitReply,
} from '@slackline/shared';
import type { Connection } from '../connection.js';
import { unlessAborted } from '../interrupt.js';
import type { LocalFile, LocalFiles } from './files.js';

/** The profiler fetches and compiles before it answers. */
const requestLimitMs = 180_000;
/** An upload may be swept away by somebody else's refusal of the same file. */
const attempts = 3;

export interface Submission {
  name: string;
  sloMs: number;
  options: SearchOptions;
  replace: boolean;
  files: LocalFiles;
}

/** What a submission is about to do. */
export interface SubmitListener {
  /** The profiler is asked now: from here on it may accept, until it is told that files are missing. */
  onAsk?(): void;
  /** A file is uploaded now; before the profiler is asked again nothing is submitted. */
  onUpload?(bytes: number): void;
}

/**
 * Resolves with what the profiler makes of it. Throws what it is refused with, `no_responders` where no profiler runs, and
 * the reason of `signal` as soon as it aborts: close the bus then, which ends an upload that is under way.
 */
export async function submit(
  { bus, subjects, uploads }: Pick<Connection, 'bus' | 'subjects' | 'uploads'>,
  submission: Submission,
  { onAsk, onUpload }: SubmitListener = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<SubmitReply> {
  const { files, ...rest } = submission;
  const { onnx, spec, calibration, images, labels } = files;
  const request: SubmitRequest = {
    v: 1,
    ...rest,
    files: {
      onnx: described(onnx),
      spec: described(spec),
      ...(calibration !== undefined && { calibration: described(calibration) }),
      images: described(images),
      labels: described(labels),
    },
  };
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    onAsk?.();
    try {
      const reply = { kind: 'submit reply', schema: submitReply, timeoutMs: requestLimitMs };
      return await unlessAborted(signal, requestReply(bus, subjects.profiler('submit'), request, reply));
    } catch (error) {
      if (!hasCode(error, 'submission_incomplete') || attempt > attempts) throw error;
    }
    for (const { digest, bytes, data } of Object.values(files)) {
      if ((await unlessAborted(signal, uploads.size(digest))) === bytes) continue;
      onUpload?.(bytes);
      signal.throwIfAborted();
      await unlessAborted(signal, uploads.put(digest, data));
    }
  }
}

const described = ({ digest, bytes }: LocalFile): SubmittedFile => ({ digest, bytes });
