/**
 * Makes a folder with all that a hardened deployment needs: keys, certificates, configuration. Made again, it keeps the keys
 * and certificates that are there, and brings the configuration up to date: so tenants are added and keys replaced.
 */
import { chmodSync, copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { namePattern, SlacklineError } from '@slackline/shared';
import { inCheckout } from '../paths.js';
import { accountsConf, roleEnv } from './accounts.js';
import { makeCertificates } from './certificates.js';
import { writeSecret } from './files.js';
import { type Role, roles } from './names.js';
import { publicKeys, seedFile } from './seeds.js';

export interface HardenedOptions {
  /** Names of the tenants. */
  tenants: readonly string[];
  /** Names and addresses that clients connect to. Default: this machine's loopback. */
  hosts?: readonly string[];
}

/** What was made; all paths are absolute. */
export interface Hardened {
  /** For `nats-server -c`. Like infra/nats/local.conf it reads host, port, store and largest message from the environment. */
  configFile: string;
  caFile: string;
  /** Environment of a process of this role, besides NATS_URL and `TENANTS`. */
  envOf(role: Role): Record<string, string>;
  /** Environment of a producer of this tenant. */
  envOfTenant(tenant: string): Record<string, string>;
}

const defaultHosts = ['localhost', '127.0.0.1', '::1'];

/** Whether a tenant can be called so: it is part of subjects and file names, and no role has it. */
export const canBeTenant = (name: string): boolean =>
  namePattern.test(name) && !(roles as readonly string[]).includes(name);

/** Throws `invalid_config` for a name that cannot be one of a tenant. */
export async function makeHardened(
  folder: string,
  { tenants, hosts = defaultHosts }: HardenedOptions,
): Promise<Hardened> {
  const wrong = tenants.find((tenant) => !canBeTenant(tenant));
  if (wrong !== undefined) {
    throw new SlacklineError('invalid_config', `A tenant cannot be called ${JSON.stringify(wrong)}`);
  }
  const root = resolve(folder);
  const [seeds, tls] = [join(root, 'seeds'), join(root, 'tls')];
  for (const each of [root, seeds, tls]) mkdirSync(each, { recursive: true, mode: 0o700 });
  chmodSync(seeds, 0o700);
  // Wherever it lies: none of it belongs into a repository.
  writeFileSync(join(root, '.gitignore'), '*\n');

  const owner = (tenant: string) => `tenant-${tenant}`;
  const keys = {
    roles: Object.fromEntries(roles.map((role) => [role, publicKeys(seeds, role)])) as Record<Role, string[]>,
    tenants: new Map(tenants.map((tenant) => [tenant, publicKeys(seeds, owner(tenant))])),
  };
  const [caFile, certFile, keyFile] = ['ca.pem', 'server.pem', 'server.key'].map((name) => join(tls, name)) as [
    string,
    string,
    string,
  ];
  if (![caFile, certFile, keyFile].every((path) => existsSync(path))) {
    const { ca, cert, key } = await makeCertificates(hosts);
    writeSecret(keyFile, key);
    writeFileSync(caFile, ca);
    writeFileSync(certFile, cert);
  }
  const quoted = (path: string) => JSON.stringify(path);
  writeFileSync(join(root, 'tls.conf'), `cert_file: ${quoted(certFile)}\nkey_file: ${quoted(keyFile)}\n`);
  writeFileSync(join(root, 'accounts.conf'), accountsConf(keys));
  const configFile = join(root, 'hardened.conf');
  copyFileSync(inCheckout('infra/nats/hardened.conf'), configFile);
  return {
    configFile,
    caFile,
    envOf: (role) => roleEnv(role, seedFile(seeds, role), caFile),
    envOfTenant: (tenant) => ({ NATS_NKEY: seedFile(seeds, owner(tenant)), NATS_CA: caFile }),
  };
}
