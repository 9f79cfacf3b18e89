import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '../../config/command-context.js';

/** Returns the program that opens a file in a browser; undefined on a machine without a display. */
function browserProgram(env: Environment): string | undefined {
  if (process.platform === 'darwin') return 'open';
  if (env.WSL_DISTRO_NAME) return 'wslview';
  return env.DISPLAY || env.WAYLAND_DISPLAY ? 'xdg-open' : undefined;
}

/**
 * Opens `url` in the user's browser, if there is a display. The program receives a private file that redirects to the
 * URL, because other users of the machine can read the arguments of a process. Returns a function that deletes the file.
 */
export function openBrowser(url: string, env: Environment): () => void {
  const program = browserProgram(env);
  if (program === undefined) return () => {};
  // The directory has mode 0700.
  const directory = mkdtempSync(join(tmpdir(), 'linkgrant-browser-'));
  const file = join(directory, 'open.html');
  const target = url.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
  const page = `<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer"><meta http-equiv="refresh" content="0;url=${target}">\n`;
  writeFileSync(file, page, { mode: 0o600 });
  const child = spawn(program, [file], { detached: true, stdio: 'ignore', env });
  // If the program cannot be started, the user opens the URL that the terminal shows.
  child.once('error', () => {});
  child.unref();
  return () => rmSync(directory, { recursive: true, force: true });
}
