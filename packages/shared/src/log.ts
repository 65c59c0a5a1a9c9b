/** Logging: one JSON line an event on standard error, so that standard output stays for results. */
import pino from 'pino';

export type Log = pino.Logger;

/** @param service stands in every line; credentials in URLs never do */
export function createLog(service: string, level: string): Log {
  return pino({ base: { service, pid: process.pid }, level }, pino.destination({ dest: 2, sync: false }));
}

/** A NATS URL without its user and password. */
export function withoutCredentials(url: string): string {
  return url.replaceAll(/\/\/[^/@\s]*@/g, '//');
}
