/** Headers as the client sends them, for what does not go by the short way. */
import { HeaderLines, type HeaderValues } from '../../headers.js';
import { createHeaders, type MsgHdrs } from './client.js';

/** Throws for a name or a value that would end the header block. */
export function toHeaders(given: HeaderValues | HeaderLines): MsgHdrs {
  const result = createHeaders();
  if (given instanceof HeaderLines) {
    for (const line of given.text.split('\r\n').slice(0, -1)) {
      const colon = line.indexOf(':');
      result.append(line.slice(0, colon), Buffer.from(line.slice(colon + 1), 'latin1').toString());
    }
  } else for (const name in given) result.append(name, given[name] ?? '');
  return result;
}
