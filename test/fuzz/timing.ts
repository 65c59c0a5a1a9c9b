/** How long a worker may be silent before it is lost: longer than usual, so that a busy machine is not taken for garbage. */
export const silentForMs = 2_000;
