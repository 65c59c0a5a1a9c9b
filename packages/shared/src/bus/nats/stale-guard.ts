/**
 * Lets a connection go whose line is dead. The client ends one that no longer answers pings only once everything that was
 * written to it has left, which on a line that takes nothing is after the operating system's own patience, a quarter of an
 * hour; and it leaves open what it dials in vain. Here the socket is destroyed: a new one can be had at once, and what was
 * under way is lost either way.
 */
interface Transport {
  readonly socket?: { destroy(): void } | undefined;
}

interface Protocol {
  readonly transport?: Transport | undefined;
  /** The connection has gone stale. */
  disconnect(): void;
  /** Another connection is about to be made. */
  prepare(): unknown;
}

/** @param connection the client's; one without the parts that are guarded here is left as it is */
export function guardStale(connection: object): void {
  const protocol: unknown = Reflect.get(connection, 'protocol');
  if (!isProtocol(protocol)) return;
  const disconnect = protocol.disconnect.bind(protocol);
  protocol.disconnect = () => {
    disconnect();
    letGo(protocol.transport);
  };
  const prepare = protocol.prepare.bind(protocol);
  protocol.prepare = () => {
    letGo(protocol.transport);
    return prepare();
  };
}

function letGo(transport: Transport | undefined): void {
  transport?.socket?.destroy();
}

function isProtocol(value: unknown): value is Protocol {
  if (typeof value !== 'object' || value === null) return false;
  return ['disconnect', 'prepare'].every((name) => typeof Reflect.get(value, name) === 'function');
}
