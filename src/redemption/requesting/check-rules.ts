import { readSignedCode } from '../../codes/signed-code.js';
import { OWN_KEY_TYPE } from '../../domain/policy.js';
import type { RedemptionErrorCode } from '../../domain/redemption-error.js';
import { policyRefusal } from '../accepting/check-policy.js';
import type { TokenCheck } from '../ports/redemption-client.js';
import { type RedeemTokenRequest, requestedNames } from './redeem-token.js';

/**
 * Returns why the service would refuse the name, the subject or the type of key of a redemption, by the rules in its response to a
 * check of the token; undefined if it would accept them. A rule for source addresses is not checked: the client does not know
 * which address the service sees. Throws as `redeemToken` does for an invalid name or subject.
 */
export function rulesRefusal(
  request: RedeemTokenRequest,
  { policy }: Pick<TokenCheck, 'policy'>,
): RedemptionErrorCode | undefined {
  const names = requestedNames(request);
  const onlySubject = readSignedCode(request.token.code)?.subject;
  if (onlySubject !== undefined && onlySubject !== names.subject) return 'policy_subject';
  const { sourceCidrs: _, subjects, ...others } = policy;
  const { name, subject } = names;
  // The client does not know the default subject of an identity either.
  const rules = subject === undefined || !subjects ? others : { ...others, subjects };
  return policyRefusal(rules, { name, subject: subject ?? '', peer: '', keyType: OWN_KEY_TYPE, csr: true });
}
