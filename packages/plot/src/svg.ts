/** The few pieces of SVG that charts are made of. */

/** To a hundredth of a pixel: more would only lengthen the file. */
export function round(value: number): number {
  return Math.round(100 * value) / 100;
}

export function attributes(values: Readonly<Record<string, number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}="${round(value)}"`)
    .join(' ');
}

export function text(x: number, y: number, content: string, anchor: 'start' | 'middle' | 'end', more = ''): string {
  const place = `${attributes({ x, y })} text-anchor="${anchor}"`;
  return `<text ${place}${more === '' ? '' : ` ${more}`}>${escaped(content)}</text>`;
}

export function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
