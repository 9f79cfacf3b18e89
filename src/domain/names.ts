const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const QUALIFIED = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** Length of the longest name of a resource or subject, in characters. */
export const MAX_NAME_LENGTH = 253;
/** Length of the longest name of an identity provider. */
export const MAX_PROVIDER_LENGTH = 63;
/** Length of the longest `sub` of an identity, in UTF-16 units. */
export const MAX_SUB_LENGTH = 512;
/** Length of the longest identity, `provider:sub`, in UTF-16 units. */
export const MAX_IDENTITY_LENGTH = MAX_PROVIDER_LENGTH + 1 + MAX_SUB_LENGTH;
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/u;

/** Name of the CA that signs link certificates unless a site or a grant names another. Skupper uses the same name. */
export const SITE_CA = 'skupper-site-ca';

/**
 * The nil UUID (RFC 9562 §5.9), which no grant has. `doctor` and the web console check a token with this grant uid to find out
 * whether a service responds.
 */
export const NIL_UUID = '00000000-0000-0000-0000-000000000000';

/** Response header with the `requestId` of the request's log line. Ignored in a request. */
export const REQUEST_ID_HEADER = 'linkgrant-request-id';

/** True for a Kubernetes object name: an RFC 1123 subdomain of at most 253 characters. */
export function isResourceName(value: string): boolean {
  return value.length <= MAX_NAME_LENGTH && SUBDOMAIN.test(value);
}

/** True for a Kubernetes namespace name: an RFC 1123 label of at most 63 characters. */
export function isNamespace(value: string): boolean {
  return LABEL.test(value);
}

/** True for the key of a Kubernetes label: at most 63 characters, with an optional RFC 1123 subdomain and `/` before them. */
export function isLabelName(value: string): boolean {
  const [name = '', prefix, ...others] = value.split('/').reverse();
  return QUALIFIED.test(name) && (prefix === undefined || isResourceName(prefix)) && others.length === 0;
}

/** True for the value of a Kubernetes label: empty, or at most 63 letters, digits, `-`, `_` and `.`. */
export function isLabelValue(value: string): boolean {
  return value === '' || QUALIFIED.test(value);
}

/** True for a UUID in its lower-case text form (RFC 9562 §4), of any version. */
export function isUuid(value: string): boolean {
  return UUID.test(value);
}

/** True for the `sub` of an identity: 1 to 512 printable characters. */
export function isIdentitySubject(value: unknown): value is string {
  return (
    typeof value === 'string' && value !== '' && value.length <= MAX_SUB_LENGTH && !UNPRINTABLE.test(value)
  );
}

/** True for the name of an identity provider: an RFC 1123 label of at most 63 characters. */
export function isProviderName(value: string): boolean {
  return LABEL.test(value);
}

/** True for a subject: 1 to 253 characters, none of them unprintable (Unicode categories C, Zl and Zp). */
export function isSubject(value: string): boolean {
  if (value === '' || value.length > 2 * MAX_NAME_LENGTH) return false;
  // Count only if there may be too many: a character has one or two UTF-16 units.
  if (value.length > MAX_NAME_LENGTH && [...value].length > MAX_NAME_LENGTH) return false;
  return !UNPRINTABLE.test(value);
}
