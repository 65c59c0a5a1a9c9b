/** Connects to NATS, as who the process is there, with a client that survives what it would not survive by itself. */
import { setTimeout as sleep } from 'node:timers/promises';
import { SlacklineError } from '../../errors.js';
import { type BusAccess, readAccess, splitUrls } from '../access.js';
import type { Bus } from '../bus.js';
import {
  type Authenticator,
  connect,
  createHeaders,
  credsAuthenticator,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from './client.js';
import { guardHeaders } from './header-guard.js';
import { guardMessages } from './message-guard.js';
import { NatsBus } from './nats-bus.js';
import { type Denial, refusalIn, warnOfDenial } from './refusals.js';
import { rehearseSplits } from './split-rehearsal.js';
import { guardStale } from './stale-guard.js';

export interface ConnectOptions {
  /** One URL, or several of a cluster with commas. */
  url: string;
  /** Shown by the broker's monitoring. */
  name: string;
  /** How long to try before `nats_unreachable` is thrown. */
  timeoutMs?: number;
  /** Who this process is to NATS; default: what the environment's NATS_… variables say. */
  access?: BusAccess;
  /** Whether to make sure at once that JetStream answers; default true. Accounts of tenants have none. */
  needsJetStream?: boolean;
  /** A connection on which the broker says nothing is given up after so long; default 3,000. An observer may wait longer. */
  patienceMs?: number;
  /** Told of every subject that the broker does not let this process use; default: a warning of the process. */
  onDenied?: (denial: Denial) => void;
}

const retryConnectMs = 100;
/** A process that hears nothing serves nobody. */
const defaultPatienceMs = 3_000;
/** With so many pings unanswered, a silent connection is given up when the next one is due. */
const mostPingsOut = 2;

guardHeaders(createHeaders());

/**
 * Connects, and stays connected: it reconnects for as long as it is open. Throws `nats_unreachable`, and at once
 * `nats_unauthorized`, `nats_untrusted` or `not_permitted`, which waiting would not mend, and what `readAccess` throws.
 */
export async function connectBus(options: ConnectOptions): Promise<Bus> {
  const deadline = performance.now() + (options.timeoutMs ?? 10_000);
  const urls = splitUrls(options.url);
  const access = { ...urls.access, ...(options.access ?? readAccess(process.env)) };
  const where = urls.servers.join(', ');
  for (;;) {
    try {
      return await open(urls.servers, access, options);
    } catch (cause) {
      const refusal = refusalIn(cause, where);
      if (refusal !== undefined) throw refusal;
      if (performance.now() > deadline) {
        const why = cause instanceof Error && 'code' in cause ? ` (${cause.code})` : '';
        throw new SlacklineError('nats_unreachable', `No NATS with JetStream answers at ${where}${why}`, { cause });
      }
      await sleep(retryConnectMs);
    }
  }
}

/** One attempt. */
async function open(servers: string[], access: BusAccess, options: ConnectOptions): Promise<Bus> {
  const connection = await connect({
    servers,
    name: options.name,
    timeout: 2_000,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    reconnectJitter: 100,
    reconnectJitterTLS: 100,
    pingInterval: (options.patienceMs ?? defaultPatienceMs) / (mostPingsOut + 1),
    maxPingOut: mostPingsOut,
    // A stack trace per request costs a third of a busy sender's time, and ours name the subject anyway.
    noAsyncTraces: true,
    ...authenticationOf(access),
  });
  try {
    const manager = await connection.jetstreamManager({ checkAPI: options.needsJetStream ?? true });
    guardMessages(connection);
    guardStale(connection);
    const bus = new NatsBus(connection, connection.jetstream(), manager, {
      inboxPrefix: access.inboxPrefix,
      onDenied: options.onDenied ?? warnOfDenial,
    });
    // Once nothing is added to the client's parts any more.
    rehearseSplits(connection);
    return bus;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** The client's options for who we are. */
function authenticationOf(access: BusAccess) {
  const { nkeySeed, credentials, user, password, token, tls, inboxPrefix } = access;
  const authenticators: Authenticator[] = [];
  if (nkeySeed !== undefined) authenticators.push(nkeyAuthenticator(nkeySeed));
  if (credentials !== undefined) authenticators.push(credsAuthenticator(credentials));
  if (user !== undefined) authenticators.push(usernamePasswordAuthenticator(user, password));
  if (token !== undefined) authenticators.push(tokenAuthenticator(token));
  return {
    ...(authenticators.length > 0 && { authenticator: authenticators }),
    ...(tls !== undefined && { tls }),
    ...(inboxPrefix !== undefined && { inboxPrefix }),
  };
}
