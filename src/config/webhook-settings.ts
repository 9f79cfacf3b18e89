/** The settings of webhooks, a part of SETTINGS. */
export const WEBHOOK_SETTINGS = {
  webhook: {
    placeholder: 'URL',
    many: true,
    description: 'post an event to this URL when a link is redeemed, revoked, expiring or not renewed',
  },
  webhookSecretFile: {
    placeholder: 'FILE',
    description: 'file with the secret that signs webhooks, whsec_ and base64',
  },
  webhookCa: {
    placeholder: 'FILE',
    description: 'CA of the receivers of webhooks (PEM; default: those that Node trusts)',
  },
  webhookAllowPrivate: {
    default: false,
    description:
      'allow receivers of webhooks at private addresses and on this machine; these may also have an http URL',
  },
} as const;
