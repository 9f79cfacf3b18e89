/** Returns the time in milliseconds since the epoch. */
export type Clock = () => number;

/** Called at each named point of an operation where a crash matters. Does nothing in the service; crash tests end the process. */
export type Checkpoint = (name: string) => void | Promise<void>;
