/** Sends a load to a running system, from a thread of its own, and tallies what came back. */
export {};
