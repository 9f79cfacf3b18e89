/** An example of a command: what it does, and its words after the name of the program. */
export type Example = readonly [purpose: string, words: string];

/** The examples at the beginning of the help of each command, by its path. */
export const EXAMPLES: Readonly<Record<string, readonly Example[]>> = {
  '': [
    [
      'start the service, and set the router endpoint of its links',
      'serve --endpoint inter-router=router.example.com:55671',
    ],
    ['issue a token for one site as a join line', 'token issue --wait'],
    ['link a site with that join line', 'join LINE --to links'],
    ['see what needs attention', 'status'],
    ['find what prevents a link', 'doctor'],
  ],
  serve: [
    ['try it on this machine', 'serve --host localhost --endpoint inter-router=localhost:55671'],
    [
      'serve sites on other hosts under this name',
      'serve --host grants.example.com --endpoint inter-router=router.example.com:55671',
    ],
    ['serve the AccessGrants of a cluster', 'serve --platform kubernetes'],
  ],
  status: [
    ['show the service of this machine', 'status'],
    [
      'show another service, for a script: exit code 1 if something needs attention',
      'status --server hub -o json',
    ],
    ['show a cluster', 'status --platform kubernetes --all-namespaces'],
  ],
  console: [
    ['administer the store of this machine', 'console'],
    ['administer the cluster of the kubeconfig', 'console --platform kubernetes --all-namespaces'],
    ['administer a service on another host, after `linkgrant login`', 'console --server hub'],
  ],
  login: [
    ['log in with a browser on this machine', 'login https://grants.example.com:9443 --name hub'],
    ['log in with a browser on another device', 'login https://grants.example.com:9443 --device'],
  ],
  logout: [['log out of the service hub', 'logout hub']],
  whoami: [['show the user of the login hub', 'whoami hub']],
  grant: [
    [
      'allow three sites to join within a day',
      'grant create branches --redemptions-allowed 3 --expiration-window 24h',
    ],
    ['show why a site cannot join', 'grant show branches'],
  ],
  'grant create': [
    [
      'allow three sites to join within a day',
      'grant create branches --redemptions-allowed 3 --expiration-window 24h',
    ],
    ['allow only sites with these subjects', "grant create branches --subjects 'paris,lyon-*'"],
    ['set a label, to filter lists by it', 'grant create branches --label team=payments'],
  ],
  'grant list': [
    ['list the grants that can be redeemed now', 'grant list --state ready'],
    ['list by label, in all namespaces', 'grant list -A -l team=payments'],
  ],
  'grant show': [
    ['show limits, rules and the last attempts to redeem', 'grant show branches'],
    [
      'write a key that signs tokens of this grant on another machine',
      'grant show branches --signing-key FILE',
    ],
  ],
  'grant update': [
    [
      'let the grant expire one hour after it was first ready',
      'grant update branches --expiration-window 1h',
    ],
    ['allow more sites', 'grant update branches --redemptions-allowed 10'],
    ['set one label and remove another', 'grant update branches --label team=payments --label draft-'],
  ],
  'grant revoke': [
    ['refuse all further redemptions of the grant', 'grant revoke branches'],
    ['refuse the renewals of its links too', 'grant revoke branches --cascade'],
  ],
  'grant delete': [['delete a grant', 'grant delete branches']],
  token: [
    ['print a join line for one site', 'token issue'],
    ['redeem a token file', 'token redeem token.yaml --to links'],
    ['show a token, and whether it can be redeemed', 'token inspect token.yaml --check'],
  ],
  'token issue': [
    ['print a join line for one site, valid for 15 minutes', 'token issue'],
    [
      'write an AccessToken that only the key of a certificate request can redeem',
      'token issue token.yaml --grant branches --request request.csr',
    ],
    [
      'write three tokens of one grant into the directory tokens',
      'token issue tokens --grant branches --count 3',
    ],
  ],
  'token redeem': [
    ['write the Link and its Secret into the directory links', 'token redeem token.yaml --to links'],
    [
      'link a Podman site, with a certificate that a timer can renew',
      'token redeem token.yaml --platform podman --renew',
    ],
    ['link a namespace of a cluster', 'token redeem token.yaml --platform kubernetes --namespace west'],
  ],
  'token inspect': [
    ['show a token without its code', 'token inspect token.yaml'],
    ['check whether it can be redeemed', 'token inspect token.yaml --check'],
  ],
  'token list': [['list the tokens of one grant', 'token list --grant branches']],
  'token revoke': [
    ['revoke one token; `linkgrant token list` prints its id', 'token revoke ID --grant branches'],
    [
      'refuse an identity from now on, even if it never redeemed',
      'token revoke --identity east:system:serviceaccount:edge:linkgrant --grant branches',
    ],
  ],
  'token rotate-key': [
    ['sign new tokens with a new key', 'token rotate-key'],
    ['refuse all tokens signed with earlier keys', 'token rotate-key --drop-old --yes'],
  ],
  join: [
    ['redeem the join line of `linkgrant token issue` into a directory', 'join LINE --to links'],
    ['read the join line from standard input, and link a Podman site', 'join - --platform podman'],
  ],
  link: [
    ['show the links of a directory, and when their certificates expire', 'link status --dir links'],
    ['check whether they can connect', 'link check --dir links'],
  ],
  'link status': [
    ['show the links of a directory', 'link status --dir links'],
    ['show the links of a Podman site', 'link status --platform podman'],
    ['print all values as JSON', 'link status --dir links -o json'],
  ],
  'link check': [
    ['dial each endpoint of one link', 'link check east --dir links'],
    [
      'connect to another address in place of the router',
      'link check east --dir links --connect-to router.example.com:55671:127.0.0.1:55671',
    ],
  ],
  'link request': [
    ['print the request of this site, for the operator of the other side', 'link request'],
    ['print it with the subject east as one word, for a chat', 'link request --subject east --line'],
  ],
  'link issue': [
    ['answer the request of a site without a network', 'link issue --request east.csr answer.yaml'],
    ['redeem a use of a grant for it', 'link issue --request east.csr --grant fleet answer.yaml'],
  ],
  'link accept': [
    ['write the Link and Secret of an answer, and ask for its CA', 'link accept answer.yaml --to links'],
  ],
  'link generate': [['write a Link for a peer, without a token', 'link generate east --to links']],
  'link update': [['change the cost of a link', 'link update east --dir links --cost 5']],
  'link renew': [
    ['renew one link now', 'link renew east --dir links'],
    ['renew each link that is due; run this daily from a timer', 'link renew --all --dir links'],
  ],
  'link delete': [['delete the Link, its Secret and its stored key', 'link delete east --dir links']],
  bootstrap: [
    ['link a Podman site from a mounted token', 'bootstrap --token token.yaml --platform podman'],
    ['continue to run, and renew the link', 'bootstrap --token token.yaml --platform podman --watch'],
  ],
  redemption: [
    ['list the sites that have joined', 'redemption list'],
    ['refuse the renewals of one link', 'redemption revoke ID'],
  ],
  'redemption list': [
    ['list the sites that have joined with a grant', 'redemption list --grant branches'],
    ['list the links that are overdue for renewal', 'redemption list --overdue'],
    ['list the links that expire within 30 days', 'redemption list --expires-within 30d'],
  ],
  'redemption show': [
    ['show the certificates and renewals of the link with this subject', 'redemption show paris'],
    ['select the link by its id, or the first digits of its id', 'redemption show 4f1c'],
  ],
  'redemption update': [['set a label', 'redemption update ID --label team=payments']],
  'redemption revoke': [
    ['refuse renewals of this subject; its link stays connected', 'redemption revoke paris'],
    [
      'refuse the renewals of two sites, and record why',
      "redemption revoke paris lyon --note 'contract ended'",
    ],
    ['disconnect the link too, step by step', 'redemption revoke paris --cut'],
  ],
  ledger: [
    ['list what happened, newest first', 'ledger list'],
    ['verify that the ledger is unchanged', 'ledger verify'],
  ],
  'ledger list': [
    ['list what happened to one grant in the last week', 'ledger list --grant branches --since 7d'],
    ['list who revoked links', 'ledger list --kind revoked'],
    ['list what one user changed', 'ledger list --actor alice'],
  ],
  'ledger verify': [
    ['verify that the ledger is unchanged', 'ledger verify'],
    ['verify the entries of one grant', 'ledger verify --grant branches'],
  ],
  issuer: [
    ['rotate a CA, first step: create the new CA', 'issuer prepare skupper-site-ca'],
    ['second step, after the routers trust the new CA: sign with it', 'issuer activate skupper-site-ca'],
    ['last step, after all links have renewed: remove the old CA', 'issuer retire skupper-site-ca'],
  ],
  'issuer list': [['list the CAs, and how many links depend on each', 'issuer list']],
  'issuer create': [['create a CA for the links of one customer', 'issuer create customer-a']],
  'issuer prepare': [['create the new CA: the first step of a rotation', 'issuer prepare skupper-site-ca']],
  'issuer activate': [
    ['sign with the new CA: the second step of a rotation', 'issuer activate skupper-site-ca'],
  ],
  'issuer retire': [
    ['remove the old CA: the last step of a rotation', 'issuer retire skupper-site-ca'],
    ['show what would be removed', 'issuer retire skupper-site-ca --dry-run'],
  ],
  'issuer trust': [['print the CA certificates for a router', 'issuer trust skupper-site-ca']],
  'issuer crl': [['write a CRL for each CA', 'issuer crl skupper-site-ca --to crls']],
  'issuer server-certificate': [
    [
      'issue a certificate to a router with this host name',
      'issuer server-certificate --host router.example.com --to router',
    ],
  ],
  store: [
    [
      'move from SQLite to PostgreSQL',
      'store copy sqlite:linkgrant.db postgres://linkgrant@db.example.com/linkgrant',
    ],
    ['save the store, the keys and the CAs in one file', 'store backup /backup/linkgrant.backup'],
  ],
  'store backup': [
    ['save the store, the keys and the CAs in one file', 'store backup /backup/linkgrant.backup'],
  ],
  'store restore': [
    ['restore a backup on the host that made it', 'store restore /backup/linkgrant.backup'],
    ['move a stopped service to this host', 'store restore /backup/linkgrant.backup --keep'],
    ['revoke grants that can be redeemed again', 'store restore /backup/linkgrant.backup --revoke'],
  ],
  'store migrate': [['create or upgrade the tables', 'store migrate']],
  'store copy': [
    [
      'copy a store to PostgreSQL',
      'store copy sqlite:linkgrant.db postgres://linkgrant@db.example.com/linkgrant',
    ],
  ],
  'store restored': [
    ['accept a restored store that lacks no entry of its ledger', 'store restored'],
    [
      'accept one that lacks entries, and revoke the grants that can be redeemed again',
      'store restored --revoke',
    ],
  ],
  config: [['show each effective setting and its source', 'config check']],
  'config check': [['show each effective setting and its source', 'config check']],
  health: [['check readiness, for a probe', 'health --ready']],
  uninstall: [
    ['show what would be deleted', 'uninstall --namespace linkgrant --dry-run'],
    ['delete what the service has stored in its namespace', 'uninstall --namespace linkgrant --yes'],
  ],
  completion: [['print the completion script for bash', 'completion bash']],
  doctor: [
    ['check the accepting side: service, endpoints, CAs', 'doctor'],
    ['check whether this site can redeem a token', 'doctor --token token.yaml --to links'],
    ['check a site in a cluster', 'doctor --platform kubernetes --namespace west'],
  ],
};

/** Returns the examples of a command as text for the help; empty if it has none. */
export function examplesText(path: string): string {
  const examples = EXAMPLES[path] ?? [];
  const lines = examples.map(([purpose, words]) => `  # ${purpose}\n  linkgrant ${words}\n`);
  return lines.length === 0 ? '' : `Examples:\n${lines.join('')}`;
}
