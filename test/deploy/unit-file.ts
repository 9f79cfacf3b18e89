/** A section of a unit file: every value of each key, in order. */
export type UnitSection = ReadonlyMap<string, readonly string[]>;

/** The sections of a systemd unit or a Podman quadlet. Throws for a line that is neither section, assignment nor comment. */
export function parseUnitFile(text: string): ReadonlyMap<string, UnitSection> {
  const sections = new Map<string, Map<string, string[]>>();
  let current: Map<string, string[]> | undefined;
  for (const line of text.split('\n')) {
    if (line.trim() === '' || line.startsWith('#') || line.startsWith(';')) continue;
    const section = /^\[([A-Za-z]+)\]$/.exec(line)?.[1];
    const [, key, value] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? [];
    if (section !== undefined) {
      if (sections.has(section)) throw new Error(`section ${section} occurs twice`);
      current = new Map();
      sections.set(section, current);
    } else if (current && key !== undefined && value !== undefined) {
      current.set(key, [...(current.get(key) ?? []), value]);
    } else {
      throw new Error(`not a line of a unit file: ${line}`);
    }
  }
  return sections;
}

/** The words of a command line in a unit file or a shell, with double quotes around words that contain spaces. */
export function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
}
