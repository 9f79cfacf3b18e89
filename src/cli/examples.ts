/** An example of a command: what it does, and its words after the name of the program. */
export type Example = readonly [purpose: string, words: string];

/** The examples at the beginning of the help of each command, by its path. */
export const EXAMPLES: Readonly<Record<string, readonly Example[]>> = {
  '': [
    [
      'start the service, whose links lead to a router',
      'serve --endpoint inter-router=router.example.com:55671',
    ],
    ['issue a token for one site, as one line', 'token issue --wait'],
    ['link a site with that line', 'join LINE --to links'],
    ['find out what prevents a link', 'doctor'],
  ],
  serve: [
    ['try it on this machine', 'serve --host localhost --endpoint inter-router=localhost:55671'],
    [
      'let other hosts redeem tokens at this name',
      'serve --host grants.example.com --endpoint inter-router=router.example.com:55671',
    ],
    ['serve the AccessGrants of a cluster', 'serve --platform kubernetes'],
  ],
  console: [
    ['for the store of this machine', 'console'],
    ['for the cluster of the kubeconfig', 'console --platform kubernetes --all-namespaces'],
    ['for a service on another host, after `linkgrant login`', 'console --server hub'],
  ],
  login: [
    ['in a browser on this machine', 'login https://grants.example.com:9443 --name hub'],
    ['in a browser on another device', 'login https://grants.example.com:9443 --device'],
  ],
  logout: [['end the login hub', 'logout hub']],
  whoami: [['show the user of the login hub', 'whoami hub']],
  grant: [
    [
      'three sites can join within a day',
      'grant create branches --redemptions-allowed 3 --expiration-window 24h',
    ],
    ['why can a site not join?', 'grant show branches'],
  ],
  'grant create': [
    [
      'three sites can join within a day',
      'grant create branches --redemptions-allowed 3 --expiration-window 24h',
    ],
    ['only sites with these subjects', "grant create branches --subjects 'paris,lyon-*'"],
    ['with a label, for lists', 'grant create branches --label team=payments'],
  ],
  'grant list': [
    ['what can be redeemed now', 'grant list --state ready'],
    ['by label, in all namespaces', 'grant list -A -l team=payments'],
  ],
  'grant show': [
    ['limits, rules and the last attempts to redeem it', 'grant show branches'],
    ['write a key that signs tokens of this grant elsewhere', 'grant show branches --signing-key FILE'],
  ],
  'grant update': [
    ['end it in an hour from now', 'grant update branches --expiration-window 1h'],
    ['allow more sites', 'grant update branches --redemptions-allowed 10'],
    ['set one label and remove another', 'grant update branches --label team=payments --label draft-'],
  ],
  'grant revoke': [
    ['nobody can redeem it any more', 'grant revoke branches'],
    ['end the renewals of its links too', 'grant revoke branches --cascade'],
  ],
  'grant delete': [['remove it from the store', 'grant delete branches']],
  token: [
    ['a join line for one site', 'token issue'],
    ['redeem a token file', 'token redeem token.yaml --to links'],
    ['what is in a token?', 'token inspect token.yaml --check'],
  ],
  'token issue': [
    ['a join line for one site, valid for 15 minutes', 'token issue'],
    [
      'an AccessToken in a file, only for the subject paris',
      'token issue token.yaml --grant branches --subject paris',
    ],
    ['three tokens of one grant, in the directory tokens', 'token issue tokens --grant branches --count 3'],
  ],
  'token redeem': [
    ['write the Link and its Secret into the directory links', 'token redeem token.yaml --to links'],
    [
      'into a Podman site, with a certificate that it renews',
      'token redeem token.yaml --platform podman --renew',
    ],
    ['into a namespace of a cluster', 'token redeem token.yaml --platform kubernetes --namespace west'],
  ],
  'token inspect': [
    ['show what it contains, without its code', 'token inspect token.yaml'],
    ['can it still be redeemed?', 'token inspect token.yaml --check'],
  ],
  'token list': [['the tokens of one grant', 'token list --grant branches']],
  'token revoke': [
    ['end one token; `linkgrant token list` prints its id', 'token revoke ID --grant branches'],
  ],
  'token rotate-key': [
    ['sign new tokens with a new key', 'token rotate-key'],
    ['refuse all tokens of earlier keys', 'token rotate-key --drop-old'],
  ],
  join: [
    ['link this directory with the line of `linkgrant token issue`', 'join LINE --to links'],
    ['read the line from standard input, and link a Podman site', 'join - --platform podman'],
  ],
  link: [
    ['the links of a directory, and until when they are valid', 'link status --dir links'],
    ['can they connect?', 'link check --dir links'],
  ],
  'link status': [
    ['the links of a directory', 'link status --dir links'],
    ['the links of a Podman site', 'link status --platform podman'],
    ['all values, for a program', 'link status --dir links -o json'],
  ],
  'link check': [
    ['dial each endpoint of one link', 'link check east --dir links'],
    [
      'through another address',
      'link check east --dir links --connect-to router.example.com:55671:127.0.0.1:55671',
    ],
  ],
  'link generate': [['write a Link for a peer, without a token', 'link generate east --to links']],
  'link update': [['change the cost', 'link update east --dir links --link-cost 5']],
  'link renew': [
    ['one link, now', 'link renew east --dir links'],
    ['each link that is due, once a day from a timer', 'link renew --all --dir links'],
  ],
  'link delete': [['delete the Link, its Secret and its stored key', 'link delete east --dir links']],
  bootstrap: [
    ['link a Podman site from a mounted token', 'bootstrap --token token.yaml --platform podman'],
    ['stay, and renew the link', 'bootstrap --token token.yaml --platform podman --watch'],
  ],
  redemption: [
    ['who has joined?', 'redemption list'],
    ['end the link of one site', 'redemption revoke ID'],
    ['is the ledger unchanged?', 'redemption list --verify'],
  ],
  'redemption list': [
    ['who has joined with a grant?', 'redemption list --grant branches'],
    ['refusals, renewals and revocations of the last week too', 'redemption list --events --since 7d'],
    ['is the ledger unchanged?', 'redemption list --verify'],
  ],
  'redemption show': [
    ['the certificates and renewals of the link with this subject', 'redemption show paris'],
    ['by its id, or its first digits', 'redemption show 4f1c'],
  ],
  'redemption update': [['set a label', 'redemption update ID --label team=payments']],
  'redemption revoke': [
    ['refuse the renewals of this subject; it stays connected', 'redemption revoke paris'],
    ['disconnect it too, step by step', 'redemption revoke paris --cut'],
  ],
  issuer: [
    ['rotate a CA while links stay connected: first', 'issuer prepare skupper-site-ca'],
    ['then, when routers trust the new CA', 'issuer activate skupper-site-ca'],
    ['at the end, when no link depends on the old CA', 'issuer retire skupper-site-ca'],
  ],
  'issuer list': [['the CAs, and how many links depend on each', 'issuer list']],
  'issuer create': [['a CA for the links of one customer', 'issuer create customer-a']],
  'issuer prepare': [['first step of a rotation', 'issuer prepare skupper-site-ca']],
  'issuer activate': [['second step of a rotation', 'issuer activate skupper-site-ca']],
  'issuer retire': [
    ['last step of a rotation', 'issuer retire skupper-site-ca'],
    ['what would be removed?', 'issuer retire skupper-site-ca --dry-run'],
  ],
  'issuer trust': [['print the CA certificates for a router', 'issuer trust skupper-site-ca']],
  'issuer crl': [['write a CRL for each CA', 'issuer crl skupper-site-ca --to crls']],
  'issuer server-certificate': [
    ['for a router at this name', 'issuer server-certificate --host router.example.com --to router'],
  ],
  store: [
    [
      'move from SQLite to PostgreSQL',
      'store copy sqlite:linkgrant.db postgres://linkgrant@db.example.com/linkgrant',
    ],
    ['after a backup was restored: what can be redeemed again?', 'store restored'],
  ],
  'store migrate': [['create or upgrade the tables', 'store migrate']],
  'store copy': [
    ['to PostgreSQL', 'store copy sqlite:linkgrant.db postgres://linkgrant@db.example.com/linkgrant'],
  ],
  'store restored': [
    ['name the grants that can be redeemed again', 'store restored'],
    ['revoke them', 'store restored --revoke'],
  ],
  config: [['which settings are in effect, and why?', 'config check']],
  'config check': [['which settings are in effect, and why?', 'config check']],
  health: [['for a probe', 'health --ready']],
  uninstall: [
    ['what would be deleted?', 'uninstall --namespace linkgrant --dry-run'],
    ['delete it', 'uninstall --namespace linkgrant --yes'],
  ],
  completion: [['for this shell', 'completion bash']],
  doctor: [
    ['the accepting side: service, endpoints, CAs', 'doctor'],
    ['the requesting side: can this token be redeemed?', 'doctor --token token.yaml --to links'],
    ['a site in a cluster', 'doctor --platform kubernetes --namespace west'],
  ],
};

/** Returns the examples of a command as text for the help; empty if it has none. */
export function examplesText(path: string): string {
  const examples = EXAMPLES[path] ?? [];
  const lines = examples.map(([purpose, words]) => `  # ${purpose}\n  linkgrant ${words}\n`);
  return lines.length === 0 ? '' : `Examples:\n${lines.join('')}`;
}
