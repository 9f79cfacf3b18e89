/** Tells the time in milliseconds since the epoch. */
export type Clock = () => number;

/**
 * Called at the named moments of an act whose order matters if the process dies there. Does nothing in the service; a
 * crash test ends the process in it.
 */
export type Checkpoint = (name: string) => void | Promise<void>;
