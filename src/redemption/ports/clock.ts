/** Returns the time in milliseconds since the epoch. */
export type Clock = () => number;

/**
 * Called at named points of an operation where a crash matters. Does nothing in the service; a crash test ends the process
 * in it.
 */
export type Checkpoint = (name: string) => void | Promise<void>;
