/** JSON for people: indented, but a list or object of plain values stays on one line when it fits. */

const lineLength = 120;

/** `value` as JSON text without a final newline. `value` must be representable in JSON. */
export function jsonText(value: unknown, indent = ''): string {
  const flat = JSON.stringify(value);
  if (typeof value !== 'object' || value === null) return flat;
  const items = Object.entries(value).filter(([, item]) => item !== undefined);
  if (items.length === 0) return flat;
  const inner = `${indent}  `;
  const nested = items.some(([, item]) => typeof item === 'object' && item !== null);
  const label = (key: string) => (Array.isArray(value) ? '' : `${JSON.stringify(key)}: `);
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{ ', ' }'];
  const line = `${open}${items.map(([key, item]) => `${label(key)}${JSON.stringify(item)}`).join(', ')}${close}`;
  if (!nested && inner.length + line.length <= lineLength) return line;
  const lines = items.map(([key, item]) => `${inner}${label(key)}${jsonText(item, inner)}`);
  return `${open.trim()}\n${lines.join(',\n')}\n${indent}${close.trim()}`;
}
