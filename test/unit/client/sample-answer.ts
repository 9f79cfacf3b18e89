import { expect } from 'vitest';
import { readAnswer } from '../../../src/client/answer-reader.js';
import { RedemptionError } from '../../../src/domain/redemption-error.js';
import { privateKeyPem, spkiOf } from '../../../src/pki/keys.js';
import type { AnswerContext } from '../../../src/redemption/ports/redemption-client.js';
import { generatePrivateKey } from '../../support/private-key.js';
import { makeAuthority } from '../../support/server-identity.js';
import { renderAnswer } from '../../support/servers/issuing-server.js';

/** The CA that signs the sample response. */
export const authority = await makeAuthority('Site CA');
/** The client's own key. */
const key = await generatePrivateKey('p256');
/** A response of linkgrant for `key`. */
export const answer = await renderAnswer(authority, { name: 'my-link', spkiDer: spkiOf(key) });
/** `key` in PEM. */
export const ownKeyPem = privateKeyPem(key);

/** Reads a response as the client with `key` does. */
export function read(text: string, now = Date.now(), context: Partial<AnswerContext> = {}) {
  const tokenUrl = 'https://grants.example.com:9090/uid';
  return readAnswer(text, { privateKeyPem: ownKeyPem, tokenUrl, now, isStored: false, ...context });
}

/** The reason for which a response is refused. */
export function reason(text: string, now?: number): string {
  try {
    return `accepted: ${JSON.stringify(read(text, now))}`;
  } catch (error) {
    expect(error).toBeInstanceOf(RedemptionError);
    expect((error as RedemptionError).code).toBe('answer_invalid');
    return (error as RedemptionError).message;
  }
}

/** The documents of a response without their `---` lines. */
export const documents = (text: string) => text.split('---\n').slice(1);
