import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withoutCredentials } from '../log.js';
import { readAccess, splitUrls } from './access.js';

/** Made up, and of the right form. */
const seed = `SU${'A'.repeat(56)}`;
let folder = '';
const file = (name: string) => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'slackline-access-'));
  writeFileSync(file('seed'), `# user\n${seed}\n`);
  writeFileSync(file('password'), ' s3cret with spaces \n');
  writeFileSync(file('empty'), '\n');
  writeFileSync(file('pem'), '-----BEGIN CERTIFICATE-----\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('who we are, by environment variables', () => {
  it('is nobody in particular without any, or with empty ones', () => {
    expect(readAccess({})).toEqual({});
    expect(readAccess({ NATS_NKEY: '', NATS_CA: '', NATS_URL: 'nats://x', PATH: '/bin' })).toEqual({});
  });

  it('comes from files, which are read for every connection', () => {
    const access = readAccess({ NATS_NKEY: file('seed'), NATS_INBOX_PREFIX: '_INBOX.ingest' });
    expect(access.inboxPrefix).toBe('_INBOX.ingest');
    expect(Buffer.from(access.nkeySeed?.() ?? []).toString()).toBe(seed);
    const other = seed.replaceAll('A', 'B');
    writeFileSync(file('seed'), other);
    expect(Buffer.from(access.nkeySeed?.() ?? []).toString()).toBe(other);
    expect(readAccess({ NATS_USER: 'u', NATS_PASSWORD_FILE: file('password') }).password?.()).toBe(
      's3cret with spaces',
    );
    const tls = readAccess({
      NATS_CA: file('pem'),
      NATS_CERT: file('pem'),
      NATS_KEY: file('pem'),
      NATS_TLS_FIRST: 'true',
    }).tls;
    expect(tls).toEqual({ caFile: file('pem'), certFile: file('pem'), keyFile: file('pem'), handshakeFirst: true });
  });

  const wrong: [env: Record<string, string>, named: string][] = [
    [{ NATS_NKEY: 'nowhere' }, 'NATS_NKEY names nowhere, which cannot be read (ENOENT)'],
    [{ NATS_NKEY: 'password' }, 'holds no nkey seed'],
    [{ NATS_CREDS: 'password' }, 'holds no credentials'],
    [{ NATS_USER: 'u', NATS_PASSWORD_FILE: 'empty' }, 'which is empty'],
    [{ NATS_TOKEN_FILE: 'nowhere' }, 'NATS_TOKEN_FILE'],
    [{ NATS_CA: 'password' }, 'no PEM file'],
    [{ NATS_CERT: 'pem' }, 'go together'],
    [{ NATS_NKEY: 'seed', NATS_USER: 'u' }, 'one identity is enough'],
    [{ NATS_TLS_FIRST: 'yes' }, 'NATS_TLS_FIRST'],
    [{ NATS_INBOX_PREFIX: '_INBOX.>' }, 'NATS_INBOX_PREFIX'],
  ];
  it.each(wrong)('%j is refused by name, and no secret is repeated', (env, named) => {
    const inFolder = (value: string) => (['seed', 'password', 'empty', 'pem'].includes(value) ? file(value) : value);
    const given = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, inFolder(value)]));
    expect(() => readAccess(given)).toThrow(
      expect.objectContaining({ code: 'invalid_config', message: expect.stringContaining(named) }),
    );
    expect(() => readAccess(given)).not.toThrow('s3cret');
  });
});

describe('credentials in URLs', () => {
  const urls: [url: string, server: string, user: string | undefined, password: string | undefined][] = [
    ['nats://u:p@host:4222', 'nats://host:4222', 'u', 'p'],
    ['tls://u:p%40ss%2Fword@host', 'tls://host', 'u', 'p@ss/word'],
    ['nats://u:p@ss:w/ord@host:1', 'nats://host:1', 'u', 'p@ss:w/ord'],
    ['u:p@host:4222', 'host:4222', 'u', 'p'],
    ['nats://host:4222', 'nats://host:4222', undefined, undefined],
    ['nats://u:%@host', 'nats://host', 'u', '%'],
  ];
  it.each(urls)('%s', (url, server, user, password) => {
    const { servers, access } = splitUrls(url);
    expect(servers).toEqual([server]);
    expect({ user: access.user, password: access.password?.() }).toEqual({ user, password });
    expect(withoutCredentials(url)).toBe(server);
  });

  it('a user alone is a token, and of several URLs none keeps any', () => {
    const { servers, access } = splitUrls('nats://t0ken@a:1, nats://t0ken@b:2');
    expect({ servers, token: access.token?.() }).toEqual({ servers: ['nats://a:1', 'nats://b:2'], token: 't0ken' });
    expect(withoutCredentials('nats://t0ken@a:1,nats://t0ken@b:2')).toBe('nats://a:1,nats://b:2');
  });
});
