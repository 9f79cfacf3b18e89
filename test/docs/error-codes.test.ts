import { describe, expect, it } from 'vitest';
import { adminProblem } from '../../src/admin/api/admin-problem.js';
import { adviceFor, ERROR_CODES } from '../../src/cli/terminal/exit-codes.js';
import { refusalOf, STOCK_PREFIXES, STOCK_TEXTS } from '../../src/client/refusals.js';
import { ADMINISTRATION_ERROR_CODES, AdministrationError } from '../../src/domain/administration-error.js';
import { REFUSAL_CODES, wireRefusal } from '../../src/http/problem.js';
import { readProjectFile, sectionsOf } from './document.js';

const document = readProjectFile('docs/reference/error-codes.md');
const codes = sectionsOf(document).filter(({ level }) => level === 3);

/** The rows of the table of Skupper's texts: the text, which ends with `…` if only its beginning is fixed, and its code. */
const stockRows = [...document.matchAll(/^\| `([^`]+)` \| [^|]+ \| `([a-z_]+)` \| /gm)].map(
  ([, text = '', code = '']) => ({ text, code }),
);

describe('docs/reference/error-codes.md', () => {
  it('lists each error code exactly once, and no other', () => {
    expect(ERROR_CODES.length).toBeGreaterThan(REFUSAL_CODES.length);
    expect(codes.map(({ heading }) => heading)).toEqual([...ERROR_CODES]);
  });

  it.each(codes)('describes $heading by its response, a cause, a check and a cure', ({ heading, text }) => {
    const code = ERROR_CODES.find((known) => known === heading);
    if (!code) throw new Error(`${heading} is not a code`);
    const refused = REFUSAL_CODES.find((known) => known === heading);
    const { exitCode } = adviceFor(code);
    const wire = refused && wireRefusal(refused);
    const admin = ADMINISTRATION_ERROR_CODES.find((known) => known === heading);
    const { status, title } = adminProblem(new AdministrationError(admin ?? 'internal', ''));
    const firstLine = wire
      ? `HTTP ${wire.status} \`${wire.text}\`, exit code ${exitCode}`
      : admin
        ? `Admin API HTTP ${status} \`${title}\`, exit code ${exitCode}`
        : `Exit code ${exitCode}`;
    expect(text.trim().split('\n')[0]).toBe(firstLine);
    for (const label of ['Cause', 'Check', 'Cure']) {
      expect(text).toMatch(new RegExp(`^- ${label}: .{10,}\\.$`, 'm'));
    }
  });

  it("lists each of Skupper's texts with the code that the client reports for it", () => {
    const exactTexts = Object.keys(STOCK_TEXTS);
    const prefixes = STOCK_PREFIXES.map(([prefix]) => `${prefix.trim()}…`);
    expect(stockRows.map(({ text }) => text)).toEqual([...exactTexts, ...prefixes]);
    for (const { text, code } of stockRows) {
      const body = Buffer.from(`${text.replace('…', ' something')}\n`);
      expect(refusalOf({ status: 500, headers: {}, body, isTruncated: false }).code, text).toBe(code);
    }
  });

  it('lists each text that the service sends', () => {
    const [introduction] = document.split('## Refusals of the service');
    for (const code of REFUSAL_CODES) expect(introduction).toContain(`\`${wireRefusal(code).text}\``);
  });
});
