/**
 * How a process proves to NATS who it is, and how it knows that this is the right NATS: environment variables that name
 * files. They are called as the `nats` command calls them. No secret is ever an environment variable or an argument.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { readConfig } from '../config.js';
import { SlacklineError } from '../errors.js';

const file = z.string().min(1);
const accessConfig = z
  .object({
    /** Seed of an nkey. */
    NATS_NKEY: file,
    /** Credentials: a JWT and its seed. */
    NATS_CREDS: file,
    /** User name; it may also stand in the URL, with its password. */
    NATS_USER: z.string().min(1),
    /** File that holds the password, and nothing else. */
    NATS_PASSWORD_FILE: file,
    NATS_TOKEN_FILE: file,
    /** Certificates (PEM) that the server's is checked with; default: those that Node trusts. */
    NATS_CA: file,
    /** The client's own certificate and its key (PEM), where the server asks for one. */
    NATS_CERT: file,
    NATS_KEY: file,
    /** `true`: TLS before the first word. The server must be set to it (2.10.4 or later). */
    NATS_TLS_FIRST: z.enum(['true', 'false']).transform((text) => text === 'true'),
    /** What all reply subjects of this process begin with, without a dot at the end; default `_INBOX`. */
    NATS_INBOX_PREFIX: z
      .string()
      .max(64)
      .regex(/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/),
  })
  .partial();
/** Environment variables; all may be absent. */
export type AccessVariables = Readonly<Partial<Record<keyof z.infer<typeof accessConfig>, string>>>;

/** What a connection is made with. Secrets are read anew for every connection, so that a new key takes the place of an old one. */
export interface BusAccess {
  nkeySeed?: () => Uint8Array;
  credentials?: () => Uint8Array;
  user?: string;
  password?: () => string;
  token?: () => string;
  /** Paths of PEM files. */
  tls?: { caFile?: string; certFile?: string; keyFile?: string; handshakeFirst: boolean };
  inboxPrefix?: string;
}

/** Throws `invalid_config`: a variable is wrong, or names a file that cannot be read or holds something else. */
export function readAccess(env: Readonly<Record<string, string | undefined>>): BusAccess {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const config = readConfig(accessConfig, given);
  const { NATS_NKEY, NATS_CREDS, NATS_USER, NATS_PASSWORD_FILE, NATS_TOKEN_FILE } = config;
  const identities = { NATS_NKEY, NATS_CREDS, NATS_USER, NATS_TOKEN_FILE };
  const named = Object.entries(identities).filter(([, value]) => value !== undefined);
  if (named.length > 1) throw wrong(`${named.map(([name]) => name).join(' and ')} are set, and one identity is enough`);
  const access: BusAccess = {
    ...(NATS_NKEY !== undefined && { nkeySeed: () => Buffer.from(seedIn('NATS_NKEY', NATS_NKEY)) }),
    ...(NATS_CREDS !== undefined && { credentials: () => credentialsIn('NATS_CREDS', NATS_CREDS) }),
    ...(NATS_USER !== undefined && { user: NATS_USER }),
    ...(NATS_PASSWORD_FILE !== undefined && { password: () => line('NATS_PASSWORD_FILE', NATS_PASSWORD_FILE) }),
    ...(NATS_TOKEN_FILE !== undefined && { token: () => line('NATS_TOKEN_FILE', NATS_TOKEN_FILE) }),
    ...tlsOf(config),
    ...(config.NATS_INBOX_PREFIX !== undefined && { inboxPrefix: config.NATS_INBOX_PREFIX }),
  };
  // What is missing is said now, by the name of its variable.
  for (const secret of [access.nkeySeed, access.credentials, access.password, access.token]) secret?.();
  return access;
}

function tlsOf(config: z.infer<typeof accessConfig>): Pick<BusAccess, 'tls'> {
  const { NATS_CA, NATS_CERT, NATS_KEY, NATS_TLS_FIRST: handshakeFirst } = config;
  if ([NATS_CA, NATS_CERT, NATS_KEY, handshakeFirst].every((value) => value === undefined)) return {};
  if ((NATS_CERT === undefined) !== (NATS_KEY === undefined)) throw wrong('NATS_CERT and NATS_KEY go together');
  for (const [variable, path] of Object.entries({ NATS_CA, NATS_CERT, NATS_KEY })) {
    if (path !== undefined && !read(variable, path).includes('-----BEGIN '))
      throw wrong(`${variable} names ${path}, which is no PEM file`);
  }
  return {
    tls: {
      ...(NATS_CA !== undefined && { caFile: NATS_CA }),
      ...(NATS_CERT !== undefined && { certFile: NATS_CERT }),
      ...(NATS_KEY !== undefined && { keyFile: NATS_KEY }),
      handshakeFirst: handshakeFirst ?? false,
    },
  };
}

/** Seeds begin with S and are base32. Beside it the file may hold comments, as those of `nk` and `nsc` do. */
function seedIn(variable: string, path: string): string {
  const [seed] = /^S[A-Z2-7]{57}$/m.exec(read(variable, path).toString().replaceAll('\r', '')) ?? [];
  if (seed === undefined) throw wrong(`${variable} names ${path}, which holds no nkey seed`);
  return seed;
}

/** Two blocks of PEM kind: a JWT, and the seed of its key. */
function credentialsIn(variable: string, path: string): Buffer {
  const text = read(variable, path);
  if (text.includes('NATS USER JWT') && text.includes('USER NKEY SEED')) return text;
  throw wrong(`${variable} names ${path}, which holds no credentials`);
}

function line(variable: string, path: string): string {
  const text = read(variable, path).toString().trim();
  if (text === '') throw wrong(`${variable} names ${path}, which is empty`);
  return text;
}

function read(variable: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw wrong(`${variable} names ${path}, which cannot be read (${code})`);
  }
}

const wrong = (what: string) => new SlacklineError('invalid_config', what);

/** URLs without the user and password that the first of them may hold; both, decoded. A user without password is a token. */
export function splitUrls(urls: string): { servers: string[]; access: Pick<BusAccess, 'user' | 'password' | 'token'> } {
  let access: Pick<BusAccess, 'user' | 'password' | 'token'> = {};
  const servers = urls.split(',').map((text) => {
    const url = text.trim();
    const [, scheme = '', userInfo, rest] = /^([a-z]+:\/\/)?(?:(.*)@)?(.*)$/s.exec(url) ?? [];
    if (userInfo === undefined || rest === undefined) return url;
    const [user = '', ...password] = userInfo.split(':').map(decoded);
    access = password.length === 0 ? { token: () => user } : { user, password: () => password.join(':') };
    return `${scheme}${rest}`;
  });
  return { servers, access };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
