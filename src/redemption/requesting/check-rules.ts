import { readSignedCode } from '../../codes/signed-code.js';
import { OWN_KEY_TYPE } from '../../domain/policy.js';
import type { RedemptionErrorCode } from '../../domain/redemption-error.js';
import { policyRefusal } from '../accepting/check-policy.js';
import type { TokenCheck } from '../ports/redemption-client.js';
import { type RedeemTokenRequest, requestedNames } from './redeem-token.js';

/**
 * Applies the rules in the response to a check of a token, as the service would apply them to a redemption. Returns the error code
 * with which it would refuse the name, the subject or the type of key; undefined if it would accept them. Does not apply a rule for
 * source addresses: the client does not know which address the service sees. Throws as `redeemToken` does for an invalid name or
 * subject.
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
  // Without a subject the service uses that of the identity, which the client does not know either.
  const rules = subject === undefined || !subjects ? others : { ...others, subjects };
  return policyRefusal(rules, { name, subject: subject ?? '', peer: '', keyType: OWN_KEY_TYPE, csr: true });
}
