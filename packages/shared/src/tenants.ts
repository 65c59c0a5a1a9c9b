/** Tenants with accounts of their own at the broker: their query ids are their own, too. docs/security.md */

/** The id by which the stream of queries tells repeats. Tenants use the same query id without knowing of one another. */
export function messageIdOf(queryId: string, tenant: string | undefined): string {
  return tenant === undefined ? queryId : `${tenant}.${queryId}`;
}

/** The query id in a message id, or undefined where that is none of this tenant. */
export function queryIdOf(messageId: string, tenant: string | undefined): string | undefined {
  if (tenant === undefined) return messageId;
  return messageId.startsWith(`${tenant}.`) ? messageId.slice(tenant.length + 1) : undefined;
}
