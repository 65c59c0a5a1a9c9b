/** `npm run nats:keys -- <folder> --tenants a,b [--hosts broker.example,10.0.0.1]` */
import { dirname, join } from 'node:path';
import { SlacklineError } from '@slackline/shared';
import { help, type KeysArguments, readKeysArguments, usage } from './arguments.js';
import { makeHardened } from './make.js';
import { roles } from './names.js';

try {
  const given = readKeysArguments(process.argv.slice(2));
  process.stdout.write(given === undefined ? help : await made(given));
} catch (error) {
  const isOurs = error instanceof SlacklineError || error instanceof TypeError;
  if (!isOurs) throw error;
  process.stderr.write(`${error.message}\nUsage: ${usage}\n`);
  process.exitCode = 2;
}

/** Makes it, and says what each process is told. */
async function made({ folder, ...options }: KeysArguments): Promise<string> {
  const { configFile, envOf, envOfTenant } = await makeHardened(folder, options);
  const { tenants } = options;
  const env = (variables: Record<string, string>) =>
    Object.entries(variables)
      .map(([name, value]) => `${name}=${value}`)
      .join(' ');
  const server = {
    ...{ NATS_HOST: options.hosts === undefined ? '127.0.0.1' : '0.0.0.0', NATS_PORT: '4222' },
    ...{ NATS_MAX_PAYLOAD: '8388608', NATS_STORE_DIR: join(dirname(configFile), 'jetstream') },
  };
  const more = (role: string) =>
    role === 'ingest' || role === 'scheduler'
      ? ` TENANTS=${tenants.join(',')}`
      : role === 'profiler'
        ? ' MODELS_DIRS=…'
        : '';
  return [
    'The server:',
    `${env(server)} nats-server -c ${configFile}`,
    '',
    'The environment of each process, beside NATS_URL (docs/security.md has the commands):',
    ...roles.map((role) => `${role}: ${env(envOf(role))}${more(role)}`),
    ...tenants.map((tenant) => `producers of ${tenant}: ${env(envOfTenant(tenant))}`),
    '',
  ].join('\n');
}
