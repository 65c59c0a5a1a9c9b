/** The files of a submission on this machine: read whole, and known by their digests. */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { largestFileBytes, SlacklineError, type SubmissionPart, type SubmittedFile } from '@slackline/shared';
import { CommandError } from '../errors.js';

export interface LocalFile extends SubmittedFile {
  data: Uint8Array;
}

export type LocalFiles = Record<Exclude<SubmissionPart, 'calibration'>, LocalFile> & { calibration?: LocalFile };

/** Reads the files. Throws `CommandError` where one cannot be read, and `model_too_large` before it reads such a one. */
export async function readFiles(paths: { [K in keyof LocalFiles]: string }): Promise<LocalFiles> {
  const { onnx, spec, calibration, images, labels } = paths;
  return {
    onnx: await readLocal(onnx),
    spec: await readLocal(spec),
    ...(calibration !== undefined && { calibration: await readLocal(calibration) }),
    images: await readLocal(images),
    labels: await readLocal(labels),
  };
}

async function readLocal(path: string): Promise<LocalFile> {
  try {
    const { size } = await stat(path);
    if (size > largestFileBytes) {
      const what = `${path} has ${size} bytes, and at most ${largestFileBytes} can be read`;
      throw new SlacklineError('model_too_large', what);
    }
    const data = await readFile(path);
    return { data, bytes: data.length, digest: createHash('sha256').update(data).digest('hex') };
  } catch (error) {
    if (error instanceof SlacklineError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new CommandError(`${path} cannot be read: ${reason}.`, { code: 'unreadable_file' });
  }
}
