/** What `npm run nats:keys` is told. */
import { parseArgs } from 'node:util';
import { listFrom } from '@slackline/shared';
import { canBeTenant } from './make.js';

export const usage = 'npm run nats:keys -- <folder> --tenants a,b [--hosts broker.example,10.0.0.1]';

export const help = `Usage: ${usage}

Makes the keys, certificates and configuration of a hardened nats-server in <folder>, or brings them up to date: keys and
certificates that are there are kept.

  --tenants <names>  who may send queries, with commas: letters, digits, - and _
  --hosts <names>    names and addresses of the server, with commas (default: this machine's loopback)

docs/security.md says what to do with them.
`;

export interface KeysArguments {
  folder: string;
  tenants: string[];
  /** Absent: the loopback. */
  hosts?: string[];
}

/** Undefined where help is asked for. Throws `TypeError` with a sentence for a person. */
export function readKeysArguments(args: readonly string[]): KeysArguments | undefined {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      tenants: { type: 'string', default: '' },
      hosts: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const [folder] = positionals;
  if (folder === undefined || positionals.length > 1) {
    const found = folder === undefined ? 'none was given' : `not ${positionals.join(' ')}`;
    throw new TypeError(`nats:keys takes one folder, in which it puts the keys: ${found}.`);
  }
  const tenants = listFrom.parse(values.tenants);
  const wrong = tenants.find((tenant) => !canBeTenant(tenant));
  if (wrong !== undefined) {
    throw new TypeError(
      `--tenants takes names of letters, digits, - and _ with commas between them, and none of a role: not ${JSON.stringify(wrong)}.`,
    );
  }
  return { folder, tenants, ...(values.hosts !== undefined && { hosts: listFrom.parse(values.hosts) }) };
}
