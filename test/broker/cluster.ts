/** Three nats-servers as one cluster on the loopback. */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type NatsServer, natsVersions, startNatsServer, TemporaryFolder } from '@slackline/local';

const names: readonly string[] = ['a', 'b', 'c'];

export interface Cluster {
  /** Of all servers, with commas. */
  readonly url: string;
  /** By name: `a`, `b`, `c`. */
  server(name: string): NatsServer;
  close(): Promise<void>;
}

/** Starts it; JetStream answers a little later, once the servers have chosen who leads. */
export async function startCluster(): Promise<Cluster> {
  const binary = await newest();
  const folder = new TemporaryFolder('cluster');
  const ports = await Promise.all(names.map(freePort));
  const servers = await Promise.all(
    names.map((name, i) => {
      const configFile = join(folder.path, `${name}.conf`);
      writeFileSync(configFile, configuration(name, ports[i] ?? 0, ports));
      return startNatsServer({ binary, configFile, storeDir: join(folder.path, name) });
    }),
  );
  const close = async () => {
    await Promise.all(servers.map((server) => server.close()));
    folder.remove();
  };
  return {
    url: servers.map(({ url }) => url).join(','),
    server(name) {
      const found = servers[names.indexOf(name)];
      if (found === undefined) throw new Error(`there is no server ${name}`);
      return found;
    },
    close,
  };
}

/** What is recommended is tested. It is no cure for slow elections: clusters of 2.15.1 stalled as those of 2.9 did. */
async function newest(): Promise<string> {
  const versions = (await natsVersions({ limitMs: 30_000 })).filter((each) => 'path' in each);
  const [first] = versions.sort((a, b) => b.version.localeCompare(a.version, 'en', { numeric: true }));
  if (first === undefined) throw new Error('there is no nats-server');
  return first.path;
}

/** The variables are those of infra/nats/local.conf. */
const configuration = (name: string, port: number, ports: readonly number[]) => `
server_name: ${name}
host: $NATS_HOST
port: $NATS_PORT
max_payload: $NATS_MAX_PAYLOAD
jetstream { store_dir: $NATS_STORE_DIR }
cluster {
  name: slackline
  host: 127.0.0.1
  port: ${port}
  routes: [${ports.map((each) => `"nats-route://127.0.0.1:${each}"`).join(', ')}]
}
`;

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' ? address?.port : undefined;
      server.close(() => (port === undefined ? reject(new Error('no port')) : resolve(port)));
    });
  });
}
