import { z } from 'zod';
import { ACCESS_GRANT_STATES } from '../../domain/access-grant.js';
import { LINK_STATES } from '../../domain/issued-certificate.js';
import { LABEL_SELECTOR_HINT, parseLabelSelector } from '../../domain/label-selector.js';
import { LISTED_KINDS } from '../../domain/ledger-kind.js';
import { isNamespace, isResourceName, isUuid } from '../../domain/names.js';
import { LINK_SORTS } from '../../redemption/administration/reports/link-report.js';

const MAX_PAGE_SIZE = 500;
const DEFAULT_PAGE_SIZE = 100;
// The same limit as on the command line.
const MAX_LINK_COST = 999_999_999;
const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;

const text = (most: number) => z.string().min(1).max(most);
// The operations refuse a number that is too large: their message states the limit.
const redemptionsAllowed = z.int().min(1);
const duration = text(64);
const rule = z.string().max(64 * 1024);
const uuid = z.string().refine(isUuid, 'must be a UUID in lower case');
const namespace = z.string().refine(isNamespace, 'must be an RFC 1123 label');
const resourceName = z.string().refine(isResourceName, 'must be an RFC 1123 subdomain');

function policy<T extends z.ZodType>(value: T) {
  const optional = value.optional();
  return z.strictObject({
    'linkgrant/subjects': optional,
    'linkgrant/names': optional,
    'linkgrant/source-cidrs': optional,
    'linkgrant/key-types': optional,
    'linkgrant/endpoint-roles': optional,
    'linkgrant/certificate-lifetime': optional,
    'linkgrant/csr-required': optional,
    'linkgrant/not-before': optional,
    'linkgrant/identities': optional,
    'linkgrant/identity-uses': optional,
    'linkgrant/identity-required': optional,
  });
}

/** Removes undefined members: the operations accept an absent rule, but not an undefined one. */
function withoutUndefined<V>(rules: Readonly<Record<string, V | undefined>>): Record<string, V> {
  const entries = Object.entries(rules).filter((entry): entry is [string, V] => entry[1] !== undefined);
  return Object.fromEntries(entries);
}

// Keys, values and lengths are validated by the operations.
const labels = <T extends z.ZodType>(value: T) =>
  z
    .unknown()
    // z.record() drops a `__proto__` member without an error.
    .refine((map) => !Object.hasOwn(Object(map), '__proto__'), 'must have valid keys')
    .pipe(z.record(z.string(), value));
const note = z.string();
const labelsAndNoteChange = {
  labels: labels(z.string().nullable()).optional(),
  note: note.nullable().optional(),
};

/** The body that creates a grant. */
export const GRANT_CREATION = z.strictObject({
  namespace: text(63).default('default'),
  name: text(253),
  redemptionsAllowed: redemptionsAllowed.optional(),
  expirationWindow: duration.optional(),
  code: text(4_000).optional(),
  issuer: text(253).optional(),
  policy: policy(rule).transform(withoutUndefined).optional(),
  labels: labels(z.string()).optional(),
  note: note.optional(),
});

/** The body that changes a grant. */
export const GRANT_CHANGE = z.strictObject({
  redemptionsAllowed: redemptionsAllowed.optional(),
  expirationWindow: duration.optional(),
  policy: policy(rule.nullable()).transform(withoutUndefined).optional(),
  ...labelsAndNoteChange,
});

/** The body that revokes a grant. */
export const GRANT_REVOCATION = z.strictObject({ cascade: z.boolean().default(false) });

/** The body that issues a token. */
export const TOKEN_ISSUANCE = z.strictObject({
  grantUid: uuid,
  name: text(253).optional(),
  linkCost: z.int().min(1).max(MAX_LINK_COST).optional(),
  redemptionsAllowed: redemptionsAllowed.optional(),
  expirationWindow: duration.optional(),
  subject: text(506).optional(),
  request: text(8 * 1024).optional(),
  replaces: uuid.optional(),
  code: text(4_000).optional(),
});

/** The body that issues a link for a certificate request. */
export const LINK_ISSUANCE = z.strictObject({
  grantUid: uuid,
  name: text(253).optional(),
  subject: text(506).optional(),
  request: text(8 * 1024),
  replaces: uuid.optional(),
});

/** The body that revokes a token. */
export const TOKEN_REVOCATION = z.strictObject({ grantUid: uuid });

/** The body that changes a redemption. */
export const REDEMPTION_CHANGE = z.strictObject(labelsAndNoteChange);

/** The body that revokes a redemption. */
export const REDEMPTION_REVOCATION = z.strictObject({
  source: z.enum(['with-token', 'with-grant', 'keep-token']).optional(),
  note: note.optional(),
});

/** A query, or a body, without members. */
export const NOTHING = z.strictObject({});

const page = {
  limit: z
    .string()
    .regex(/^\d{1,3}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().min(1).max(MAX_PAGE_SIZE))
    .default(DEFAULT_PAGE_SIZE),
  cursor: text(4_096).optional(),
};
const state = z.enum(ACCESS_GRANT_STATES).optional();
const time = z
  .string()
  .regex(RFC_3339, 'must be an RFC 3339 time')
  .transform((value) => Date.parse(value))
  .refine((ms) => ms >= 0, 'must be a time since 1970');

const selectedLabels = text(4_096)
  .transform(parseLabelSelector)
  .refine((selector) => selector !== undefined, LABEL_SELECTOR_HINT)
  .optional();

/** The query that lists grants. */
export const GRANT_QUERY = z.strictObject({
  ...page,
  namespace: namespace.optional(),
  name: resourceName.optional(),
  state,
  label: selectedLabels,
});

/** The query that lists tokens. */
export const TOKEN_QUERY = z.strictObject({
  ...page,
  namespace: namespace.optional(),
  grantUid: uuid.optional(),
  state,
});

const search = text(253).optional();

/** The query that lists redemptions. */
export const REDEMPTION_QUERY = z.strictObject({
  ...page,
  namespace: namespace.optional(),
  grantUid: uuid.optional(),
  subject: text(506).optional(),
  since: time.optional(),
  label: selectedLabels,
  search,
});

/** The query that lists the ledger. */
export const EVENT_QUERY = REDEMPTION_QUERY.omit({ namespace: true, label: true, search: true }).extend({
  kind: z.enum(LISTED_KINDS).optional(),
  actor: text(506).optional(),
  until: time.optional(),
});

/** The query that lists links. */
export const LINK_QUERY = z.strictObject({
  ...page,
  namespace: namespace.optional(),
  grantUid: uuid.optional(),
  search,
  sort: z.enum(LINK_SORTS.flatMap((member) => [member, `-${member}`] as const)).optional(),
  state: z.enum(LINK_STATES).optional(),
  notRenewing: z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .optional(),
  label: selectedLabels,
  signedBy: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in lower-case hex')
    .optional(),
  expiresBefore: time.optional(),
  renewalRefused: z
    .literal('true')
    .transform(() => true)
    .optional(),
});

/** The query that lists issuers. */
export const ISSUER_QUERY = z.strictObject(page);

/** The query that reads changes. */
export const CHANGES_QUERY = z.strictObject({ since: text(128).optional() });
