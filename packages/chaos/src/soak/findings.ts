/** Lines of evidence for one check: what is wrong, and what can be said besides. */
export interface Findings {
  wrong: string[];
  said: string[];
}
