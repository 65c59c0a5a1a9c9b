/** npm run bench:bus */
export {};
