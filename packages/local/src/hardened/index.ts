/** Keys, certificates and configuration of a hardened nats-server: docs/security.md. */

export { type Hardened, type HardenedOptions, makeHardened } from './make.js';
export { inboxPrefix, type Role, roles } from './names.js';
export { type Permissions, permissionsOf, producerPermissions } from './permissions.js';
