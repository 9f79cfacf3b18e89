import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';

const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', LC_ALL: 'C.UTF-8' };
const ENTER = 'exec chroot "$0" "$@"';
const ENTER_WITH_PROC = `mount -t proc proc "$0/proc" && ${ENTER}`;

/** How a command in a root file system ended. */
export interface EndedInRoot {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A root file system of Debian with systemd, without Node and without a compiler. Its network is that of this machine. */
export class RootFileSystem {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
    // The mirror and the release that apt uses on this machine.
    const format = '$(SITE) $(CODENAME)';
    const targets = execFileSync('apt-get', ['indextargets', '--format', format, 'Origin: Debian']);
    const [site = '', codename = ''] = String(targets).split('\n')[0]?.split(' ') ?? [];
    const fast = ['--dpkgopt=force-unsafe-io', '--skip=check,cleanup'];
    const words = [
      '--variant=essential',
      '--include=systemd,procps,libstdc++6',
      ...fast,
      codename,
      directory,
    ];
    execFileSync('mmdebstrap', [...words, `deb ${site} ${codename} main`], { stdio: 'pipe' });
  }

  path(path: string): string {
    return join(this.directory, path);
  }

  /** Runs a command to its end, as root and with /proc. */
  run(...words: readonly string[]): EndedInRoot {
    return spawnSync('unshare', this.#enter(words), { encoding: 'utf8', env: ENVIRONMENT });
  }

  /** Runs a command as the build of an image does that mounts no /proc. */
  runWithoutProc(...words: readonly string[]): EndedInRoot {
    return spawnSync('unshare', this.#enter(words, ENTER), { encoding: 'utf8', env: ENVIRONMENT });
  }

  /** Starts a command. A signal to the process is a signal to the command. */
  start(...words: readonly string[]): ChildProcess {
    return spawn('unshare', this.#enter(words), { env: ENVIRONMENT });
  }

  #enter(words: readonly string[], script = ENTER_WITH_PROC): string[] {
    return ['--mount', 'sh', '-c', script, this.directory, ...words];
  }
}
