/** How many of what, for a person. */

/** `1 worker`, `2 workers`. @param many where it is not formed with an s */
export const counted = (n: number, what: string, many = `${what}s`): string => `${n} ${n === 1 ? what : many}`;
