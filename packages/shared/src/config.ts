/** Configuration: environment variables, checked by a schema that also holds the defaults. */
import { z } from 'zod';
import { SlacklineError } from './errors.js';
import { namePattern } from './subjects.js';

/** A number written as text, within bounds. */
export const numberFrom = (schema: z.ZodNumber) => z.string().trim().min(1).transform(Number).pipe(schema);

/** A list written with commas. */
export const listFrom = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
);

/** What every service is told. */
export const commonConfig = z.object({
  /** Where NATS is; a comma-separated list for a cluster. */
  NATS_URL: z.string().default('nats://127.0.0.1:4222'),
  /** Tokens before every subject, so that several deployments share one NATS. */
  SUBJECT_PREFIX: z
    .string()
    .regex(/^([A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*)?$/)
    .default(''),
  /** What this process is called by those who look at the system (`$SRV.INFO`); default: what it is, e.g. `scheduler`. */
  INSTANCE_NAME: z.string().regex(namePattern).optional(),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  /** Where streams and buckets are kept. */
  STORAGE: z.enum(['memory', 'file']).default('file'),
  /** Copies of each stream and bucket in a cluster. */
  REPLICAS: numberFrom(z.number().int().min(1).max(5)).default(1),
});
export type CommonConfig = z.infer<typeof commonConfig>;

/** Reads a configuration. Throws `invalid_config` with every variable that is wrong; a value is never repeated. */
export function readConfig<T>(schema: z.ZodType<T>, env: Readonly<Record<string, string | undefined>>): T {
  const checked = schema.safeParse(env);
  if (checked.success) return checked.data;
  const wrong = checked.error.issues.map((issue) => `${issue.path.join('.')} (${issue.message})`);
  throw new SlacklineError('invalid_config', `The configuration is wrong in ${wrong.join(', ')}`);
}
