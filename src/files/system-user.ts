import { homedir, userInfo } from 'node:os';

/** Returns the home directory of this process; `/`, as container runtimes do, if HOME is not set and its uid has no account. */
export function homeDirectory(): string {
  try {
    return homedir();
  } catch {
    return '/';
  }
}

/** Returns the name of the user of this process; its uid if it has no account, as in a container with an arbitrary uid. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.());
  }
}
