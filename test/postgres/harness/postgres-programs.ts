import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

// PostgreSQL does not run as root; this is the user nobody.
const SERVER_ID = 65_534;
const AS_SERVER = process.getuid?.() === 0 ? { uid: SERVER_ID, gid: SERVER_ID } : {};
const DEBIAN = '/usr/lib/postgresql';

function directoriesIn(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}

/** The directory with the programs: `LINKGRANT_TEST_POSTGRES_BIN`, else that of the newest package of this machine. */
function programsDirectory(): string {
  const configured = process.env.LINKGRANT_TEST_POSTGRES_BIN;
  if (configured !== undefined && configured !== '') return configured;
  const [newest] = directoriesIn(DEBIAN)
    .filter((version) => existsSync(join(DEBIAN, version, 'bin/postgres')))
    .sort((a, b) => Number(b) - Number(a));
  if (newest === undefined) {
    throw new Error(
      "install Debian's package postgresql, or name the directory of its programs with LINKGRANT_TEST_POSTGRES_BIN",
    );
  }
  return join(DEBIAN, newest, 'bin');
}

/** Library path of the programs, if their packages were unpacked instead of installed. */
function libraries(directory: string): string {
  const root = resolve(directory, '../../../../..');
  return ['usr/lib', 'lib']
    .flatMap((parent) => directoriesIn(join(root, parent)).map((name) => join(root, parent, name)))
    .filter((path) => path.endsWith('-linux-gnu'))
    .join(':');
}

/** Creates a temporary directory of the user that the servers run as. */
export function makeServerDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'linkgrant-servers-'));
  if (AS_SERVER.uid !== undefined) chownSync(directory, AS_SERVER.uid, AS_SERVER.gid);
  return directory;
}

/** Runs one of PostgreSQL's own programs to its end, as the servers' user. Throws with its standard error. */
export function runPostgresProgram(name: string, words: readonly string[], password = ''): void {
  const directory = programsDirectory();
  execFileSync(join(directory, name), words, {
    cwd: '/',
    env: { LD_LIBRARY_PATH: libraries(directory), LC_ALL: 'C.UTF-8', TZ: 'UTC', PGPASSWORD: password },
    // A started server inherits standard output; a pipe would not end before the server does.
    stdio: ['ignore', 'ignore', 'pipe'],
    ...AS_SERVER,
  });
}
