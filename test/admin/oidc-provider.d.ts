declare module 'oidc-provider' {
  import type { RequestListener } from 'node:http';

  /** The part of the package that the tests use; it comes without types. */
  export class Provider {
    constructor(issuer: string, configuration: Readonly<Record<string, unknown>>);
    callback(): RequestListener;
  }
}
