/** When queries arrive: seeded generators, replay of recorded traces, and the files they are kept in. */
export {};
