/** Whose code a function of a profile is. */

/** Ours; the NATS client; any other package; Node and V8, native code and the garbage collector included. */
export const owners = ['slackline', 'client', 'package', 'node'] as const;
export type Owner = (typeof owners)[number];

export const ownerNames: Readonly<Record<Owner, string>> = {
  slackline: 'Slackline',
  client: 'the NATS client',
  package: 'other packages',
  node: 'Node and V8',
};

/** In no picture are they all that tells owners apart: names and tooltips do as well. */
export const ownerColors: Readonly<Record<Owner, string>> = {
  slackline: '#f4a259',
  client: '#7fb7e6',
  package: '#b9a7dd',
  node: '#c9ced6',
};

const packageFolder = '/node_modules/';

/** @param url of the script as V8 states it; empty for native code */
export function ownerOf(url: string): Owner {
  if (url === '' || url.startsWith('node:')) return 'node';
  const within = url.slice(url.lastIndexOf(packageFolder) + packageFolder.length);
  if (!url.includes(packageFolder) || within.startsWith('@slackline/')) return 'slackline';
  return /^(nats|@nats-io\/[^/]+|nkeys\.js)\//.test(within) ? 'client' : 'package';
}
