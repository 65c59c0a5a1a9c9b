/** What every picture of this package has: a ground, a title for those who cannot see it, one font. */
import { escaped } from './svg.js';

export const colors = { ground: '#ffffff', grid: '#e3e6ea', text: '#24292f' };
const font = `font-family="system-ui, 'DejaVu Sans', Arial, sans-serif"`;
/** Of the group that a picture's parts stand in. */
export const fontAttributes = `${font} font-size="12" fill="${colors.text}"`;

/** A whole SVG document. @param width and height in pixels */
export function document(width: number, height: number, title: string, parts: readonly string[]): string {
  const open = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`;
  const ground = `<rect width="${width}" height="${height}" fill="${colors.ground}"/>`;
  return [open, `<title>${escaped(title)}</title>`, ground, ...parts, '</svg>', ''].join('\n');
}
