import { z } from 'zod';
import { isIdentitySubject, isProviderName } from '../domain/names.js';

const visible = z.string().regex(/^[\x21-\x7e]{1,512}$/, 'a text without spaces');

/** The schema of one provider. */
export const PROVIDER_SCHEMA = z
  .strictObject({
    issuer: visible,
    /** A JWKS file; absent if the keys are fetched from the issuer. */
    keys: z.string().min(1).optional(),
    /** PEM file with the CA of the issuer's own certificate; absent for those that Node trusts. */
    ca: z.string().min(1).optional(),
    audience: visible.optional(),
    subjects: z.array(z.string().refine(isIdentitySubject, 'must be a glob of a sub')).min(1).optional(),
    keyBinding: z.enum(['required', 'optional']).optional(),
  })
  .refine(({ keys, subjects }) => keys !== undefined || subjects !== undefined, {
    message: 'needs subjects, because everybody can get a token of an issuer without a keys file',
  });

const PROVIDERS = z.record(z.string().refine(isProviderName), PROVIDER_SCHEMA);
const EXAMPLE =
  'a map of providers, such as {"east":{"issuer":"https://issuer.example.com","keys":"east-jwks.json"}}';

/** The schema of the setting `identities`: a map in the file, its JSON text in a flag or variable. */
export const IDENTITIES_SCHEMA = z.unknown().transform((value, context): z.output<typeof PROVIDERS> => {
  const parsed = PROVIDERS.safeParse(typeof value === 'string' ? jsonOf(value) : value);
  if (parsed.success) return parsed.data;
  const message = `${EXAMPLE}: ${providerProblem(parsed.error)}`;
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

/** Returns what is wrong with a provider, or with a map of providers. */
export function providerProblem({ issues: [issue] }: z.ZodError): string {
  if (!issue) return 'it is not valid';
  const at = issue.path.join('.');
  return at === '' ? issue.message : `${at}: ${issue.message}`;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
