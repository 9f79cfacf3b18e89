import { expect, it } from 'vitest';
import type { components } from '../../src/domain/generated/admin-api.js';
import type { EventReport } from '../../src/redemption/administration/reports/event-report.js';
import type {
  CreatedGrantReport,
  GrantDetail,
  GrantReport,
  GrantRevocation,
} from '../../src/redemption/administration/reports/grant-report.js';
import type { HealthReport } from '../../src/redemption/administration/reports/health-report.js';
import type { IssuedAnswer } from '../../src/redemption/administration/reports/issued-answer.js';
import type { IssuerReport } from '../../src/redemption/administration/reports/issuer-report.js';
import type { LinkReport } from '../../src/redemption/administration/reports/link-report.js';
import type { OverviewReport } from '../../src/redemption/administration/reports/overview-report.js';
import type {
  RedemptionDetail,
  RedemptionReport,
  RedemptionRevocation,
} from '../../src/redemption/administration/reports/redemption-report.js';
import type { ServiceReport } from '../../src/redemption/administration/reports/service-report.js';
import type {
  IssuedToken,
  TokenReport,
  TokenRevocation,
} from '../../src/redemption/administration/reports/token-report.js';
import type { LedgerVerificationReport } from '../../src/redemption/administration/verification-operations.js';
import type { Changes } from '../../src/redemption/ports/link-store.js';
import { METHODS, openApi, resolved } from './openapi-document.js';

/** The reports, by the name of their schema in openapi.yaml. */
interface Reports {
  Service: ServiceReport & Required<Pick<ServiceReport, 'role'>>;
  Grant: GrantReport;
  CreatedGrant: CreatedGrantReport;
  GrantDetail: GrantDetail;
  RevokedGrant: GrantRevocation;
  Token: TokenReport;
  IssuedToken: IssuedToken;
  IssuedAnswer: IssuedAnswer;
  RevokedToken: TokenRevocation;
  Redemption: RedemptionReport;
  RedemptionDetail: RedemptionDetail;
  RevokedRedemption: RedemptionRevocation;
  Event: EventReport;
  Link: LinkReport;
  Issuer: IssuerReport;
  Overview: OverviewReport;
  Health: HealthReport;
  Changes: Changes;
  LedgerVerification: LedgerVerificationReport;
}

/** T without intersections, and with readonly members at every depth. */
type Plain<T> = { readonly [Key in keyof T]: Plain<T[Key]> };

// The compiler regards two such functions as the same only if A and B have exactly the same members.
type Same<A, B> =
  (<T>() => T extends Plain<A> ? 1 : 2) extends <T>() => T extends Plain<B> ? 1 : 2 ? true : false;

/** The names of the members that differ between A and B. */
type Differing<A, B> = {
  [Key in keyof A | keyof B]: Same<Pick<A, Key & keyof A>, Pick<B, Key & keyof B>> extends true ? never : Key;
}[keyof A | keyof B];

type Compared<Name extends keyof Reports> =
  Differing<Reports[Name], components['schemas'][Name]> extends infer Names
    ? [Names] extends [never]
      ? 'same'
      : Names
    : never;

// `npm run check:types` fails here for a report that differs from its schema, and names the members.
const COMPARED: { readonly [Name in keyof Reports]: Compared<Name> } = {
  Service: 'same',
  Grant: 'same',
  CreatedGrant: 'same',
  GrantDetail: 'same',
  RevokedGrant: 'same',
  Token: 'same',
  IssuedToken: 'same',
  IssuedAnswer: 'same',
  RevokedToken: 'same',
  Redemption: 'same',
  RedemptionDetail: 'same',
  RevokedRedemption: 'same',
  Event: 'same',
  Link: 'same',
  Issuer: 'same',
  Overview: 'same',
  Health: 'same',
  Changes: 'same',
  LedgerVerification: 'same',
};

it('the type of a report is compared with the schema of every response of the admin API', () => {
  const schemas = Object.entries(openApi.paths)
    .filter(([path]) => path.startsWith('/api/'))
    .flatMap(([, item]) => METHODS.flatMap((method) => Object.values(item[method]?.responses ?? {})))
    .flatMap((response) => resolved(response).content?.['application/json']?.schema.$ref ?? [])
    .map((reference) => String(reference).replace(/^.*\/|Page$/g, ''));
  expect([...new Set(schemas)].sort()).toEqual(Object.keys(COMPARED).sort());
});
