/**
 * Where things lie in a checkout: found from this file's own place, which is the same depth under the root in `src`
 * and in `dist`.
 */
import { fileURLToPath } from 'node:url';

/** Absolute path of a file or folder of the checkout. @param relative path from the repository root, with `/` */
export function inCheckout(relative: string): string {
  return fileURLToPath(new URL(`../../../${relative}`, import.meta.url));
}

/** Absolute path of a service's compiled entry. Services are started by path: packages import no service. */
export function serviceEntry(service: string): string {
  return inCheckout(`services/${service}/dist/main.js`);
}
