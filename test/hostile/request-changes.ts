import { ACCEPTS, FRAMINGS, HOSTS, LINES, METHODS, NAMES, SUBJECTS, VERSIONS } from './odd-values.js';
import type { RequestDraft } from './request-draft.js';
import type { Chance } from './round.js';

/** Values that the changes choose from. */
export interface ChangeContext {
  readonly chance: Chance;
  /** Codes of other grants, and tokens that are not codes. */
  readonly otherCodes: readonly string[];
  /** UIDs and keys of other grants. */
  readonly otherTargets: readonly string[];
  /** The base64 CSRs of earlier requests. */
  readonly otherCsrs: readonly string[];
}

type Change = (draft: RequestDraft, context: ChangeContext) => void;

const flipCase = (text: string) => (text === text.toLowerCase() ? text.toUpperCase() : text.toLowerCase());
const randomIndex = (text: string, chance: Chance) => chance.below(Math.max(1, text.length));
const setTarget =
  (change: (target: string, chance: Chance) => string): Change =>
  (draft, { chance }) => {
    draft.target = change(draft.target, chance);
  };
const setBody =
  (change: (body: string, context: ChangeContext) => string): Change =>
  (draft, context) => {
    draft.body = change(draft.body, context);
  };
const addLines =
  (...lines: readonly string[]): Change =>
  (draft, { chance }) => {
    draft.lines.splice(chance.below(draft.lines.length + 1), 0, ...lines);
  };
const setLine = (
  name: string,
  value: (old: string, context: ChangeContext) => string | undefined,
): Change => {
  return (draft, context) => {
    const index = draft.lines.findIndex((line) => line.startsWith(`${name}: `));
    const changed = value(draft.lines[index]?.slice(name.length + 2) ?? '', context);
    const line = changed === undefined ? [] : [`${name}: ${changed}`];
    draft.lines.splice(Math.max(index, 0), index < 0 ? 0 : 1, ...line);
  };
};

/** All changes by the part of a request that they change. A request gets at most one change of each part. */
const REQUEST_CHANGES: Readonly<Record<string, Readonly<Record<string, Change>>>> = {
  method: {
    'another method': (draft, { chance }) => {
      draft.method = chance.pick(METHODS);
    },
  },
  version: {
    'another version': (draft, { chance }) => {
      draft.version = chance.pick(VERSIONS);
    },
  },
  host: {
    'no Host': (draft) => {
      draft.hostLines = [];
    },
    'two Hosts': (draft) => {
      draft.hostLines = ['Host: a', 'host: b'];
    },
    'an odd Host': (draft, { chance }) => {
      const host = chance.pick(HOSTS);
      draft.hostLines = [`Host: ${host}`];
    },
  },
  target: {
    'another grant': (draft, { chance, otherTargets }) => {
      draft.target = `/${chance.pick(otherTargets)}`;
    },
    'letters of the other case': setTarget(flipCase),
    'a character of the target changed': setTarget((target, chance) => {
      const index = randomIndex(target, chance);
      return target.slice(0, index) + chance.pick([...'0af-/.%?#;@\xff\x00 ']) + target.slice(index + 1);
    }),
    'escapes in the target': setTarget((target) =>
      target.replace(/[0-9a-f]/, (digit) => `%${digit.charCodeAt(0).toString(16)}`),
    ),
    'more slashes': setTarget((target, chance) => target.replaceAll('/', '/'.repeat(2 + chance.below(200)))),
    'dots in the target': setTarget((target, chance) => chance.pick(['/.', '/..', '/x/..', '/./.']) + target),
    'a query': setTarget(
      (target, chance) =>
        target + chance.pick(['?', '?code=1', '?a=%zz', '?/-/check', `?${'a=b&'.repeat(500)}`]),
    ),
    'a fragment': setTarget((target) => `${target}#x`),
    'an absolute target': setTarget(
      (target, chance) =>
        chance.pick(['http://other', 'https://[::1', 'HTTPS://a:b@c:1', 'ftp://x']) + target,
    ),
    'a path with extra segments': setTarget(
      (target, chance) =>
        target + chance.pick(['/', '/-', '/-/check', '/-/check/', '/-/renew', '/x', '/-/metrics', '/\\']),
    ),
    'an invalid target': setTarget((_target, chance) =>
      chance.pick(['*', '', '/', '//x@[y/#z', 'a:1', '?', '/api/v1/grants', '/metrics']),
    ),
    'a long target': setTarget((target, chance) => target + '/a'.repeat(chance.pick([100, 4_000, 20_000]))),
  },
  code: {
    "another grant's code": setBody((_body, { chance, otherCodes }) => chance.pick(otherCodes)),
    'a character of the code changed': setBody((body, { chance }) => {
      const index = randomIndex(body, chance);
      return (
        body.slice(0, index) +
        String.fromCharCode(body.charCodeAt(index) ^ (1 << chance.below(8))) +
        body.slice(index + 1)
      );
    }),
    'letters of the other case': setBody((body) => (flipCase(body) === body ? `${body}x` : flipCase(body))),
    'a shorter code': setBody((body, { chance }) => body.slice(0, randomIndex(body, chance))),
    'a longer code': setBody(
      (body, { chance }) => body + chance.pick(['\0', ' ', '\r\n', '\n\n', 'x', '=', '.', body]),
    ),
    'text before the code': setBody(
      (body, { chance }) => chance.pick([' ', '\n', '\xef\xbb\xbf', '"', '\0', 'code=']) + body,
    ),
    'one newline after the code': setBody((body) => `${body}\n`),
    'the code in UTF-16': setBody((body) => Buffer.from(body, 'utf16le').toString('latin1')),
    'an unsigned token': setBody(() => {
      const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
      return `${part({ alg: 'none', typ: 'linkgrant-code+jwt' })}.${part({ jti: 'x', uses: 9, exp: 4e9 })}.`;
    }),
    'no code': setBody(() => ''),
    'a long code': setBody((body, { chance }) =>
      body.padEnd(chance.pick([4_096, 4_097, 16_385, 100_000]), 'x'),
    ),
    'random bytes as code': setBody((_body, { chance }) =>
      chance.bytes(1 + chance.below(300)).toString('latin1'),
    ),
  },
  framing: {
    chunks: (draft) => {
      draft.framing = 'chunked';
    },
    'another framing': (draft, { chance }) => {
      draft.framing = chance.pick(FRAMINGS);
    },
    'a body shorter than announced': (draft, { chance }) => {
      draft.framing = [`Content-Length: ${draft.body.length + 1 + chance.below(50)}`];
    },
    'a body longer than announced': (draft, { chance }) => {
      draft.framing = [`Content-Length: ${chance.below(Math.max(1, draft.body.length))}`];
    },
  },
  name: {
    'an invalid name': setLine('name', (_old, { chance }) => chance.pick(NAMES)),
    'no name': setLine('name', () => undefined),
    'two names': addLines('NAME: other'),
  },
  subject: {
    'an odd subject': setLine('subject', (_old, { chance }) => chance.pick(SUBJECTS)),
    'no subject': setLine('subject', () => undefined),
    'two subjects': addLines('Subject: allowed-other'),
  },
  csr: {
    'no CSR': setLine('csr', () => undefined),
    "another site's CSR": setLine('csr', (_old, { chance, otherCsrs }) => chance.pick(otherCsrs)),
    'an invalid CSR': setLine('csr', (old, { chance }) =>
      chance.pick([
        '',
        '!',
        'AAAA',
        old.slice(4),
        `${old}AAAA`,
        old.replace(/[+/]/g, '_'),
        'A'.repeat(6_000),
        old.replaceAll('A', 'B'),
        '\xff',
      ]),
    ),
    'two CSRs': addLines('csr: AAAA'),
    'white space around the CSR': setLine('csr', (old) => `  ${old} \t`),
  },
  fields: {
    'an Accept': (draft, context) => addLines(`Accept: ${context.chance.pick(ACCEPTS)}`)(draft, context),
    'an odd line': (draft, { chance }) => {
      draft.lines.splice(chance.below(draft.lines.length + 1), 0, chance.pick(LINES));
    },
    'a large field': (draft, { chance }) => {
      draft.lines.push(`x-large: ${'x'.repeat(chance.pick([8_000, 16_300, 20_000, 200_000]))}`);
    },
    'many fields': (draft, { chance }) => {
      draft.lines.unshift(...Array.from({ length: chance.pick([100, 1_900, 2_100, 3_300]) }, () => 'a:'));
    },
    'bare line feeds': (draft) => {
      draft.lineEnd = '\n';
    },
    'bare carriage returns': (draft) => {
      draft.lineEnd = '\r';
    },
  },
};

/** Chooses up to four changes of different parts and applies them; returns their names. */
export function changeDraft(draft: RequestDraft, context: ChangeContext): string[] {
  const { chance } = context;
  const parts = Object.keys(REQUEST_CHANGES);
  const kinds: string[] = [];
  for (let count = chance.pick([1, 1, 1, 2, 2, 3, 4]); count > 0; count -= 1) {
    const [part = ''] = parts.splice(chance.below(parts.length), 1);
    const changes = Object.entries(REQUEST_CHANGES[part] ?? {});
    const [kind, change] = chance.pick(changes);
    change(draft, context);
    kinds.push(kind);
  }
  return kinds;
}
