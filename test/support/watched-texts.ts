import { Writable } from 'node:stream';
import { vi } from 'vitest';
import { commandContext, runInContext } from '../../src/config/command-context.js';
import { until } from './until.js';

/**
 * Runs `command`, which watches a list, once for each format, and stops it as SIGINT does when it has written `last` in every
 * format. Returns what it has written, by format.
 */
export async function watchedTexts<Format extends string>(
  formats: readonly Format[],
  command: (format: Format) => Promise<void>,
  last: string,
): Promise<Readonly<Record<string, string>>> {
  const stops: (() => void)[] = [];
  const signals = vi.spyOn(process, 'once').mockImplementation((_event, listener) => {
    stops.push(listener as () => void);
    return process;
  });
  const texts = Object.fromEntries(formats.map((format) => [format, '']));
  const running = formats.map((format) => {
    const stdout = new Writable({
      write(chunk: Buffer, _encoding, done) {
        texts[format] += String(chunk);
        done();
      },
    });
    const context = { ...commandContext(), stdout, env: {} };
    return runInContext(context, 'linkgrant', () => command(format));
  });
  await Promise.race([
    until(() => Object.values(texts).every((text) => text.includes(last))),
    Promise.all(running),
  ]);
  for (const stop of stops) stop();
  await Promise.all(running);
  signals.mockRestore();
  return texts;
}
