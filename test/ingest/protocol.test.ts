/** docs/protocol.md against the code that it describes. */
import { readFile } from 'node:fs/promises';
import { contentTypes, datatypes, errorKinds, headerNames, outcomes } from '@slackline/shared';
import { describe, expect, it } from 'vitest';

const text = await readFile(new URL('../../docs/protocol.md', import.meta.url), 'utf8');

describe('docs/protocol.md', () => {
  it('lists exactly the codes of the registry, with their status and whether to retry', () => {
    const rows = [...text.matchAll(/^\| `(\w+)` \| (\d{3}) \| (yes|no) \|/gm)];
    const listed = rows.map(([, code, status, retryable]) => ({
      code,
      status: Number(status),
      retryable: retryable === 'yes',
    }));
    const registry = Object.entries(errorKinds).map(([code, { status, retryable }]) => ({ code, status, retryable }));
    expect(listed).toEqual(registry);
  });

  it.each(Object.values(headerNames))('names the header %s', (name) => {
    expect(text).toContain(`\`${name}\``);
  });

  it.each([...Object.values(contentTypes), ...datatypes, ...outcomes])('names %s', (word) => {
    expect(text).toContain(`\`${word}\``);
  });
});
