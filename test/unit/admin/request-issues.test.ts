import { expect, it } from 'vitest';
import { describeIssue } from '../../../src/admin/api/request-issues.js';
import {
  GRANT_CREATION,
  GRANT_QUERY,
  REDEMPTION_REVOCATION,
  TOKEN_ISSUANCE,
} from '../../../src/admin/api/request-schemas.js';

const name = 'west';

it.each([
  [GRANT_CREATION, { name, redemptionsAllowed: 0 }, 'redemptionsAllowed must be at least 1'],
  [GRANT_CREATION, { name, redemptionsAllowed: 1.5 }, 'redemptionsAllowed must be a whole number'],
  [GRANT_CREATION, { name, redemptionsAllowed: null }, 'redemptionsAllowed must be a whole number'],
  [GRANT_CREATION, { name: '' }, 'name must not be empty'],
  [GRANT_CREATION, {}, 'name is missing'],
  [GRANT_CREATION, { name: 'x'.repeat(254) }, 'name must have at most 253 characters'],
  [GRANT_CREATION, { name, size: 1, age: 2 }, ' has unknown members: size, age'],
  [GRANT_CREATION, { name, policy: { 'linkgrant/names': 5 } }, 'policy.linkgrant/names must be a text'],
  [GRANT_CREATION, { name, labels: JSON.parse('{"__proto__":"x"}') }, 'labels must have valid keys'],
  [GRANT_CREATION, { name, labels: { team: 4 } }, 'labels.team must be a text'],
  [GRANT_CREATION, [], ' must be an object'],
  [GRANT_QUERY, { limit: '999' }, 'limit must be at most 500'],
  [GRANT_QUERY, { limit: 'x' }, 'limit must be a whole number'],
  [GRANT_QUERY, { state: 'new' }, 'state must be one of pending, ready, expired, exhausted, revoked'],
  [GRANT_QUERY, { label: '==' }, 'label must be conditions a=b, a!=b, a or !a, separated by commas'],
  [TOKEN_ISSUANCE, { grantUid: 'WEST' }, 'grantUid must be a UUID in lower case'],
  [REDEMPTION_REVOCATION, { source: 'x' }, 'source must be one of with-token, with-grant, keep-token'],
])('describes in plain words what is wrong with a member of a request (%#)', (schema, value, text) => {
  const { error } = schema.safeParse(value, { error: describeIssue });
  expect(error?.issues.map(({ path, message }) => `${path.join('.')} ${message}`)).toEqual([text]);
});
