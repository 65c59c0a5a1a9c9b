/** `npm run nats:keys -- <folder> --tenants a,b [--hosts broker.example,10.0.0.1]` */
import { parseArgs } from 'node:util';
import { listFrom, SlacklineError } from '@slackline/shared';
import { makeHardened } from './make.js';
import { roles } from './names.js';

const usage = 'npm run nats:keys -- <folder> --tenants a,b [--hosts broker.example,10.0.0.1]';

try {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { tenants: { type: 'string', default: '' }, hosts: { type: 'string' } },
  });
  const [folder] = positionals;
  if (folder === undefined || positionals.length > 1) throw new TypeError('names one folder');
  const tenants = listFrom.parse(values.tenants);
  const hosts = values.hosts === undefined ? {} : { hosts: listFrom.parse(values.hosts) };
  const made = await makeHardened(folder, { tenants, ...hosts });
  const env = (variables: Record<string, string>) =>
    Object.entries(variables)
      .map(([name, value]) => `${name}=${value}`)
      .join(' ');
  process.stdout.write(
    `nats-server -c ${made.configFile}   (NATS_HOST, NATS_PORT, NATS_MAX_PAYLOAD, NATS_STORE_DIR)\n\n`,
  );
  for (const role of roles) process.stdout.write(`${role}: ${env(made.envOf(role))}\n`);
  for (const tenant of tenants) process.stdout.write(`producers of ${tenant}: ${env(made.envOfTenant(tenant))}\n`);
  process.stdout.write(`\nbesides, ingest and scheduler: TENANTS=${tenants.join(',')}\n`);
} catch (error) {
  const isOurs = error instanceof SlacklineError || error instanceof TypeError;
  if (!isOurs) throw error;
  process.stderr.write(`${error.message}\nUsage: ${usage}\n`);
  process.exitCode = 2;
}
