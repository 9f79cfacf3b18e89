import { expect } from 'vitest';
import type { CreatedGrant } from '../../src/redemption/accepting/create-grant.js';
import { csrHeader } from './redeemed-answer.js';
import type { TestService } from './service.js';

/** Requests for one grant as bytes, each with another key. */
export interface GrantRequests {
  /** The head of a POST to the grant, without the empty line that ends it. */
  head(lines?: readonly string[], csr?: string): string;
  /** A complete request with Content-Length; the body is the grant's code unless another is given. */
  completeRequest(lines?: readonly string[], body?: string): string;
  /** Runs an operation, and expects that it counts no use of the grant. */
  expectNoUse<T>(operation: () => Promise<T>): Promise<T>;
}

/** Makes requests for a grant of `service`. */
export function requestsFor(service: TestService, { grant, code }: CreatedGrant): GrantRequests {
  const head: GrantRequests['head'] = (lines = [], csr = csrHeader().csr) => {
    const all = [`POST /${grant.uid} HTTP/1.1`, 'Host: grants.example.com', `csr: ${csr}`, ...lines];
    return all.map((line) => `${line}\r\n`).join('');
  };
  return {
    head,
    completeRequest: (lines = [], body = code) =>
      `${head([...lines, `Content-Length: ${Buffer.byteLength(body)}`])}\r\n${body}`,
    async expectNoUse(operation) {
      const before = await service.used(grant.uid);
      const result = await operation();
      expect(await service.used(grant.uid)).toBe(before);
      return result;
    },
  };
}
