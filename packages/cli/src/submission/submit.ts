/** Hands a submission over: asks first, uploads what the profiler says it lacks, and asks again. */
import {
  hasCode,
  type ObjectBucket,
  requestReply,
  type SearchOptions,
  type SubmitReply,
  type SubmitRequest,
  type SubmittedFile,
  submitReply,
} from '@slackline/shared';
import type { Connection } from '../connection.js';
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

/**
 * Resolves with what the profiler makes of it. Throws what it is refused with, `no_responders` where no profiler runs.
 *
 * @param onUpload is told of each file before it is uploaded
 */
export async function submit(
  { bus, subjects, uploads }: Pick<Connection, 'bus' | 'subjects' | 'uploads'>,
  submission: Submission,
  onUpload: (bytes: number) => void = () => {},
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
    try {
      const reply = { kind: 'submit reply', schema: submitReply, timeoutMs: requestLimitMs };
      return await requestReply(bus, subjects.profiler('submit'), request, reply);
    } catch (error) {
      if (!hasCode(error, 'submission_incomplete') || attempt > attempts) throw error;
    }
    await upload(uploads, Object.values(files), onUpload);
  }
}

const described = ({ digest, bytes }: LocalFile): SubmittedFile => ({ digest, bytes });

async function upload(store: ObjectBucket, files: readonly LocalFile[], onUpload: (bytes: number) => void) {
  for (const { digest, bytes, data } of files) {
    if ((await store.size(digest)) === bytes) continue;
    onUpload(bytes);
    await store.put(digest, data);
  }
}
