/** The settings of the providers of identities, a part of SETTINGS. */
export const IDENTITY_SETTINGS = {
  identities: {
    placeholder: 'JSON',
    description:
      'providers whose tokens redeem grants, by name: issuer, and keys (JWKS file) or subjects; audience, keyBinding, ca',
  },
  identitiesDirectory: {
    placeholder: 'DIR',
    description: 'directory with one file NAME.yaml for each further provider, read again when it changes',
  },
} as const;
