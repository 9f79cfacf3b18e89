/** The settings of the admin API and of `linkgrant login`, a part of SETTINGS. */
export const ADMIN_SETTINGS = {
  adminListen: {
    default: 'off',
    placeholder: 'HOST:PORT',
    description: 'address of the admin API (HTTPS), or off',
  },
  adminTlsCert: {
    placeholder: 'FILE',
    description: "certificate chain of the admin API (PEM; default: the service's own)",
  },
  adminTlsKey: { placeholder: 'FILE', description: 'key of --admin-tls-cert (PEM)' },
  adminIssuer: { placeholder: 'URL', description: 'OIDC issuer whose bearer tokens the admin API accepts' },
  adminIssuerCa: {
    placeholder: 'FILE',
    description: "CA of the issuer's own certificate (PEM; default: those that Node trusts)",
  },
  adminJwks: {
    placeholder: 'FILE',
    description: "the issuer's public keys, a JWKS (default: fetched from the issuer)",
  },
  adminAudience: { placeholder: 'AUDIENCE', description: 'required audience (aud) of bearer tokens' },
  adminAlgorithm: {
    default: 'RS256,PS256,ES256,EdDSA',
    placeholder: 'ALG',
    many: true,
    description: 'accepted signature algorithms of bearer tokens',
  },
  adminClockTolerance: {
    default: '30s',
    placeholder: 'DURATION',
    description: 'how far the clocks of issuer and service may be apart',
  },
  adminRoleClaim: {
    default: 'roles',
    placeholder: 'CLAIM',
    description: 'claim with the roles, or the path to it, such as realm_access.roles',
  },
  adminViewerRole: {
    default: 'linkgrant-viewer',
    placeholder: 'ROLE',
    many: true,
    description: 'role that may read',
  },
  adminOperatorRole: {
    default: 'linkgrant-operator',
    placeholder: 'ROLE',
    many: true,
    description: 'role that may read and change',
  },
  loginClient: { placeholder: 'ID', description: 'client id of `linkgrant login` at the OIDC issuer' },
  loginScope: {
    default: 'openid,profile',
    placeholder: 'SCOPE',
    many: true,
    description: 'scopes that `linkgrant login` requests',
  },
} as const;

/** The settings of the web console, a part of SETTINGS. */
export const CONSOLE_SETTINGS = {
  console: {
    placeholder: 'URL',
    description:
      'serve the web console on the address of the admin API; the URL is the one that browsers use, such as https://grants.example.com:9443',
  },
  consoleClient: {
    placeholder: 'ID',
    description: 'client id of the console at the OIDC issuer; its redirect URL is URL/console/callback',
  },
  consoleSecretFile: {
    placeholder: 'FILE',
    description: "file with the client's secret (default: a public client)",
  },
  consoleScope: {
    default: 'openid,profile',
    placeholder: 'SCOPE',
    many: true,
    description: 'scopes that the console requests; its ID token must contain the claim with the roles',
  },
  consoleSession: {
    default: '8h',
    placeholder: 'DURATION',
    description: 'how long a user of the console stays signed in',
  },
} as const;
