import { BOMB_NAMES, yamlBomb } from '../support/yaml-bombs.mjs';
import { MARKER } from './hostile-responses.js';
import type { Chance } from './round.js';

const MIB = 1024 * 1024;

/** Changes of YAML text. If the client accepts the changed response, the files that it wrote are judged. */
export const TEXT_CHANGES: Readonly<Record<string, (text: string, chance: Chance) => string>> = {
  'a character changed': (text, chance) => {
    const at = chance.below(text.length);
    return text.slice(0, at) + chance.pick([...'\0\t\n -:#"\'{}[]&*!%@`|>?,aZ0=']) + text.slice(at + 1);
  },
  'a piece removed': (text, chance) => {
    const at = chance.below(text.length);
    return text.slice(0, at) + text.slice(at + 1 + chance.below(200));
  },
  'a piece repeated': (text, chance) => {
    const at = chance.below(text.length);
    const end = at + 1 + chance.below(400);
    return text.slice(0, end) + text.slice(at, end) + text.slice(end);
  },
  'lines swapped': (text, chance) => {
    const lines = text.split('\n');
    const [one, other] = [chance.below(lines.length), chance.below(lines.length)];
    [lines[one], lines[other]] = [lines[other] ?? '', lines[one] ?? ''];
    return lines.join('\n');
  },
  'a line added': (text, chance) => {
    const lines = text.split('\n');
    const line = chance.pick([
      '---',
      '...',
      '%YAML 1.1',
      '&a x: *a',
      '<<: *a',
      '!!js/function "x"',
      '? x',
      `# ${MARKER}`,
      '  tls.key: "AAAA"',
      '  name: "../escaped"',
      'kind: "Pod"',
      '  namespace: "kube-system"',
      `  ${MARKER}: "${MARKER}"`,
      'status: {}',
      '\t',
      '  annotations: {"kubectl.kubernetes.io/last-applied-configuration": "x"}',
      '  ownerReferences: []',
      '__proto__: 1',
    ]);
    lines.splice(chance.below(lines.length), 0, line);
    return lines.join('\n');
  },
  'documents in another order': (text) => `---\n${text.split('---\n').slice(1).reverse().join('---\n')}`,
  'line ends of other systems': (text, chance) =>
    text.replaceAll('\n', chance.pick(['\r\n', '\r', '\u2028'])),
  'a byte order mark': (text) => `\ufeff${text}`,
  JSON: (text) => JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [text] }),
  'a page of HTML': () => `<!DOCTYPE html><title>${MARKER}</title>`,
  nothing: () => '',
  noise: (_text, chance) => chance.bytes(2_000).toString('latin1'),
  'a text that is slow to parse': (text, chance) => {
    const bomb = yamlBomb(chance.pick(BOMB_NAMES), chance.pick([1_000, 100_000, MIB - text.length - 10]));
    return chance.pick([bomb, text + bomb, bomb + text]);
  },
};
