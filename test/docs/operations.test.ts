import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT, readProjectFile } from './document.js';

/** The events that the log can have, as far as the sources name them in whole. */
const events = new Set(
  readdirSync(join(PROJECT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => [...readProjectFile(`src/${file}`).matchAll(/\bevent(?::| =) '(\w+)'/g)])
    .map(([, event = '']) => event),
);

describe('docs/how-to/operate.md', () => {
  it('has each event of the log', () => {
    const row = readProjectFile('docs/how-to/operate.md').match(/^\| `event` \|.*$/m)?.[0] ?? '';
    const documented = new Set([...row.matchAll(/`(\w+)`/g)].map(([, event]) => event));
    expect(events.size).toBeGreaterThan(20);
    expect([...events].filter((event) => !documented.has(event))).toEqual([]);
  });
});
