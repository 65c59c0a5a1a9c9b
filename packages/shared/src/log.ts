/** Logging: one JSON line an event on standard error, so that standard output stays for results. */
import pino from 'pino';

export type Log = pino.Logger;

/** @param service stands in every line; credentials in URLs never do */
export function createLog(service: string, level: string): Log {
  return pino({ base: { service, pid: process.pid }, level }, pino.destination({ dest: 2, sync: false }));
}

/** NATS URLs, also several with commas, without the users and passwords that they hold. */
export function withoutCredentials(urls: string): string {
  // A password may hold anything, an @ too: the last one counts.
  return urls.replaceAll(/((?:^|,)(?:[a-z]+:\/\/)?|[a-z]+:\/\/)[^\s,]*@/g, '$1');
}
