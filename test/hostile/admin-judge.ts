import { adminProblem } from '../../src/admin/api/admin-problem.js';
import { ADMINISTRATION_ERROR_CODES, AdministrationError } from '../../src/domain/administration-error.js';
import type { WireResponse } from '../support/wire.js';
import type { HostileAdminRequest } from './admin-requests.js';

const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const DURATION = /^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h|d|w))+$/;
const MEMBERS = ['namespace', 'name', 'redemptionsAllowed', 'expirationWindow', 'code', 'issuer', 'policy'];
const RULES =
  'subjects names source-cidrs key-types endpoint-roles certificate-lifetime csr-required not-before identities identity-uses identity-required'.split(
    ' ',
  );
const CODES: ReadonlySet<string> = new Set(ADMINISTRATION_ERROR_CODES);
// The longest response is a page of a listing.
const MAX_RESPONSE = 1024 * 1024;

/** Why a body does not describe a grant, checked without the schema of the service; undefined if it describes one. */
function grantProblem(body: string): string | undefined {
  let order: Record<string, unknown>;
  try {
    order = JSON.parse(body.replace(/^\ufeff/, ''));
  } catch {
    return 'its body is not JSON';
  }
  if (typeof order !== 'object' || order === null || Array.isArray(order)) return 'its body is no object';
  const {
    namespace = 'default',
    name,
    redemptionsAllowed: allowed = 1,
    expirationWindow: window = '1h',
  } = order;
  const unknown = Object.keys(order).find((member) => !MEMBERS.includes(member));
  if (unknown !== undefined) return 'it has an unknown member';
  if (typeof name !== 'string' || name.length > 253 || !NAME.test(name)) return 'its name is not valid';
  if (typeof namespace !== 'string' || !NAMESPACE.test(namespace)) return 'its namespace is not valid';
  if (!Number.isInteger(allowed) || Number(allowed) < 1 || Number(allowed) > 1_000_000)
    return 'its limit is not a count';
  if (typeof window !== 'string' || !DURATION.test(window)) return 'its window is no duration';
  if (order.code !== undefined && (typeof order.code !== 'string' || order.code.length < 16))
    return 'its code is short';
  return policyProblem(order.policy ?? {});
}

function policyProblem(policy: unknown): string | undefined {
  if (typeof policy !== 'object' || policy === null || Array.isArray(policy))
    return 'its policy is no object';
  for (const [rule, value] of Object.entries(policy)) {
    if (!RULES.includes(rule.replace('linkgrant/', '')) || !rule.startsWith('linkgrant/'))
      return 'it has an unknown rule';
    if (typeof value !== 'string') return 'a rule is not a string';
  }
  return undefined;
}

/** What is wrong with a response, or undefined; `secrets` are codes that only creations may return. */
export function judgeAdminResponse(
  { method, path, body, bearer }: HostileAdminRequest,
  response: WireResponse,
  secrets: readonly string[],
): string | undefined {
  const { status } = response;
  if (status >= 500) return `an answer of ${status}`;
  if (response.body.length > MAX_RESPONSE) return 'a response of more than 1 MiB';
  if (bearer.role === undefined && status !== 401 && status !== 403)
    return `a bearer token ${bearer.what} is answered ${status}`;
  if (bearer.role === undefined && status === 403 && !bearer.what.includes('role'))
    return `a bearer token ${bearer.what} is authenticated`;
  const isRead = method === 'GET' || method === 'HEAD';
  if (bearer.role === 'viewer' && status < 300 && !isRead) return 'a viewer changed something';
  if (status === 201 && path.split('?')[0] === '/api/v1/grants') {
    const problem = grantProblem(body);
    return problem && `a grant was created although ${problem}`;
  }
  if (status !== 201 && secrets.some((secret) => response.body.includes(secret)))
    return 'a code in a response';
  return status >= 400 ? judgeProblem(response, method) : undefined;
}

function judgeProblem({ status, headers, body }: WireResponse, method: string): string | undefined {
  if (status === 401 && !headers['www-authenticate']?.startsWith('Bearer '))
    return 'a 401 without a challenge';
  if (method === 'HEAD') return undefined;
  if (headers['content-type'] !== 'application/problem+json')
    return 'a refusal without application/problem+json';
  const { code, status: stated } = JSON.parse(body);
  if (!CODES.has(code)) return 'an unknown code';
  const expected = adminProblem(new AdministrationError(code, '')).status;
  return stated === status && expected === status ? undefined : `${code} with status ${status}`;
}
