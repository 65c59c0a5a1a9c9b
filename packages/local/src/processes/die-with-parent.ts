/**
 * Programs that know nothing of their parent can still end with it on Linux: the kernel sends them a signal when it
 * dies, even of SIGKILL.
 */
import { existsSync } from 'node:fs';

/** Part of util-linux, which every Linux distribution installs. */
const SETPRIV = '/usr/bin/setpriv';

/**
 * The same program, asking the kernel first for a SIGTERM at its parent's death (PR_SET_PDEATHSIG). setpriv then
 * becomes the program: the process id is the program's. Elsewhere the program is started as it is.
 */
export function dieWithParent(command: string, args: readonly string[]): { command: string; args: readonly string[] } {
  if (process.platform !== 'linux' || !existsSync(SETPRIV)) return { command, args };
  return {
    command: SETPRIV,
    args: ['--pdeathsig', 'TERM', '--', command, ...args],
  };
}
