/** The papers' figures, re-tested. */
export {};
