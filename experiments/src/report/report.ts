/** What a report is made of. */

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A paragraph of markdown, a heading, a table or a plot. */
export type Part =
  | string
  | { readonly heading: string }
  | { readonly table: Table }
  /** @param plot file name of one of the report's plots; `caption` says what is seen */
  | { readonly plot: string; readonly caption: string };

/** results/<name>.md, less its title and the lines on machine, seed and time, which the frame writes. */
export interface Report {
  readonly parts: readonly Part[];
  /** File name to SVG; names begin with the figure's. */
  readonly plots: Readonly<Record<string, string>>;
}
