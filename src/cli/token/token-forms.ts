import { CommandError } from '../terminal/command-error.js';

/** The forms in which a token is written. */
export const TOKEN_FORMS = ['token', 'line', 'command'] as const;

/** A form in which a token is written: `token` is the AccessToken in YAML. */
export type TokenForm = (typeof TOKEN_FORMS)[number];

/** Where a token is written, and in which form. */
export interface TokenDelivery {
  /** A file, or `-` for standard output. */
  readonly target: string;
  readonly form: TokenForm;
}

/** A token to write. */
export interface WritableToken {
  /** The AccessToken in YAML. */
  readonly document: string;
  /** Absent if the code is too long. */
  readonly joinLine: string | undefined;
}

/** The delivery to a FILE, by default the AccessToken; without FILE to standard output, by default the join line. */
export function tokenDelivery(file: string | undefined, print: TokenForm | undefined): TokenDelivery {
  return { target: file ?? '-', form: print ?? (file === undefined ? 'line' : 'token') };
}

/** The text of a token in a form. Throws a CommandError if its code is too long for that form. */
export function tokenText(form: TokenForm, { document, joinLine }: WritableToken): string {
  if (form === 'token') return document;
  if (joinLine === undefined) {
    throw new CommandError('the code of this token is too long for a join line', {
      exitCode: 1,
      hint: 'name a FILE for an AccessToken',
    });
  }
  return form === 'line' ? `${joinLine}\n` : `linkgrant join ${joinLine}\n`;
}
