/** A servable: everything a worker needs to serve a supernet, in one object that is named by its digest. */
import { createHash } from 'node:crypto';
import { Packr } from 'msgpackr';
import { z } from 'zod';

// Not z.instanceof: its type would exclude views of shared memory, which are as good.
const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'must be bytes');
const tensor = z.object({ name: z.string(), datatype: z.string(), shape: z.array(z.int()) });

const servableSchema = z.object({
  v: z.literal(1),
  name: z.string(),
  inputs: z.array(tensor),
  outputs: z.array(tensor),
  sloMs: z.number().positive(),
  /** The largest network as it was trained. */
  onnx: bytes,
  /** Its elastic spec. */
  spec: z.unknown(),
  /** The subnets that are served, with the statistics of each (see statistics.ts for the bytes). */
  subnets: z.array(
    z.object({
      id: z.string(),
      config: z.record(z.string(), z.number()),
      accuracy: z.number(),
      statistics: bytes,
    }),
  ),
});
export type Servable = z.infer<typeof servableSchema>;

const packr = new Packr({ useRecords: false, variableMapSize: true });

/** The bytes of a servable and their SHA-256 in hexadecimal, which is its name in the object store. */
export function packServable(servable: Servable): { data: Uint8Array; digest: string } {
  const data = packr.pack(servable);
  return { data, digest: createHash('sha256').update(data).digest('hex') };
}

/** Reads a servable back. Throws when the bytes are not one, or not the one that `digest` names. */
export function unpackServable(data: Uint8Array, digest: string): Servable {
  const found = createHash('sha256').update(data).digest('hex');
  if (found !== digest) throw new Error(`the servable is damaged: its digest is ${found}, not ${digest}`);
  return servableSchema.parse(packr.unpack(data));
}
