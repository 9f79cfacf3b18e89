/** Builds the executable `output` from the module `entry`; returns the directories of the packages in it. */
export function buildExecutable(entry: string, output: string): Promise<readonly string[]>;
