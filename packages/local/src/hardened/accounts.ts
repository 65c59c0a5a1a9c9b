/**
 * The accounts of a hardened nats-server as configuration: one for the services, one for each tenant.
 *
 * A tenant's account knows `infer.<model>`, `results.<model>.<key>` and `_INBOX.>`. The server brings them to the services'
 * account as `tenants.<tenant>.…`, and back. Nothing is remembered for that, as it would be for the replies of a service
 * import: an answer finds its way minutes later, from another connection, and after a restart of the server.
 */
import { profileKeys, Subjects } from '@slackline/shared';
import { inboxPrefix, type Role, roles } from './names.js';
import { type Permissions, permissionsOf, producerPermissions } from './permissions.js';

/** Public keys: several of a role while one of them is being replaced. */
export interface PublicKeys {
  roles: Readonly<Record<Role, readonly string[]>>;
  tenants: ReadonlyMap<string, readonly string[]>;
}

const services = 'SLACKLINE';
const accountOf = (tenant: string) => `TENANT_${tenant}`;
const subjects = new Subjects();
const { stores } = subjects;

/** Room beside what the streams themselves are bounded to: models, submissions, catalog. */
const otherBytes = 8 * 2 ** 30;
/** QUERIES and CLAIMS together, or the stored answers of a tenant, as packages/shared/src/streams.ts bounds them. */
const streamBytes = 512 * 2 ** 20;

/** The text of `accounts.conf`. */
export function accountsConf(keys: PublicKeys): string {
  const tenants = [...keys.tenants.keys()];
  const accounts = [
    servicesAccount(keys.roles, tenants),
    ...[...keys.tenants].map(([name, own]) => tenantAccount(name, own)),
  ];
  return `# Made by npm run nats:keys; run it again instead of changing this.\naccounts {\n${accounts.join('\n')}}\n`;
}

function servicesAccount(keys: PublicKeys['roles'], tenants: readonly string[]): string {
  const users = roles.flatMap((role) => keys[role].map((key) => user(role, key, permissionsOf(role, tenants))));
  const exports = tenants.flatMap((tenant) => {
    const to = `accounts: [${accountOf(tenant)}]`;
    return [
      `{ stream: "${subjects.ofTenant(tenant, '_INBOX.>')}", ${to} }`,
      `{ stream: "${subjects.ofTenant(tenant, 'results.*.*')}", ${to} }`,
      `{ service: "$JS.API.DIRECT.GET.${subjects.resultsOf(tenant)}", ${to} }`,
    ];
  });
  const catalog = tenants.map(accountOf).join(', ');
  if (tenants.length > 0) {
    exports.push(
      `{ stream: "${subjects.profile(profileKeys.model('*'))}", accounts: [${catalog}] }`,
      `{ service: "$JS.API.DIRECT.GET.KV_${stores.profiles}", accounts: [${catalog}] }`,
    );
  }
  const imports = tenants.map(
    (tenant) =>
      `{ stream: { account: ${accountOf(tenant)}, subject: "${subjects.infer('*')}" }, to: "${subjects.ofTenant(tenant, 'infer.*')}" }`,
  );
  const bytes = otherBytes + streamBytes * (2 + tenants.length);
  return `  ${services}: {
    jetstream: { max_memory: ${bytes}, max_file: ${bytes}, max_streams: ${16 + tenants.length}, max_consumers: 4096 }
    users: [
${users.join('\n')}
    ]
    exports: [
${exports.map((each) => `      ${each}`).join('\n')}
    ]
    imports: [
${imports.map((each) => `      ${each}`).join('\n')}
    ]
  }
`;
}

/** JetStream is not for tenants: what they may read of it is one subject for each stream. */
function tenantAccount(tenant: string, keys: readonly string[]): string {
  const from = (kind: 'stream' | 'service', theirs: string, to?: string) =>
    `      { ${kind}: { account: ${services}, subject: "${theirs}" }${to === undefined ? '' : `, to: "${to}"`} }`;
  const results = `$JS.API.DIRECT.GET.${stores.results}`;
  const imports = [
    from('stream', subjects.ofTenant(tenant, '_INBOX.>'), '_INBOX.>'),
    from('stream', subjects.ofTenant(tenant, 'results.*.*'), subjects.results('*', '*')),
    from('stream', subjects.profile(profileKeys.model('*'))),
    from('service', `$JS.API.DIRECT.GET.${subjects.resultsOf(tenant)}`, results),
    from('service', `$JS.API.DIRECT.GET.KV_${stores.profiles}`),
  ];
  return `  ${accountOf(tenant)}: {
    users: [
${keys.map((key) => user(`tenant ${tenant}`, key, producerPermissions)).join('\n')}
    ]
    exports: [{ stream: "${subjects.infer('*')}", accounts: [${services}] }]
    imports: [
${imports.join('\n')}
    ]
  }
`;
}

function user(who: string, key: string, { publish, subscribe, answers = false }: Permissions): string {
  const list = (items: readonly string[]) => [...new Set(items)].map((item) => `            "${item}"`).join('\n');
  return `      { # ${who}
        nkey: ${key}
        permissions: {
          publish: { allow: [
${list(publish)}
          ] }
          subscribe: { allow: [
${list(subscribe)}
          ] }${answers ? '\n          allow_responses: { max: 1, expires: "10m" }' : ''}
        }
      }`;
}

/** What a process of `role` is told besides where NATS is. */
export function roleEnv(role: Role, seedFile: string, caFile: string): Record<string, string> {
  return { NATS_NKEY: seedFile, NATS_CA: caFile, NATS_INBOX_PREFIX: inboxPrefix(role) };
}
