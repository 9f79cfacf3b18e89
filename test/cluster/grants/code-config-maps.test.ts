import { expect, it } from 'vitest';
import type { AccessGrant } from '../../../src/domain/access-grant.js';
import { CONFIG_MAPS } from '../../../src/platforms/kubernetes/api/kinds.js';
import type { Resource } from '../../../src/platforms/kubernetes/api/resource.js';
import { GRANT_UID } from '../../../src/platforms/kubernetes/store/redemption-resource.js';
import type { StoredCode } from '../../../src/redemption/ports/code-store.js';
import { releaseAfterFile } from '../../support/release.js';
import { MINUTE, NOW, storedGrant } from '../../support/store-samples.js';
import { LINKGRANT } from '../harness/linkgrant-account.js';
import { openStoreCluster } from '../harness/store-cluster.js';

type Data = Readonly<Record<string, string>>;

const { cluster, namespace, store } = releaseAfterFile(await openStoreCluster());

const keyOf = (jti: string) => Buffer.from(jti).toString('hex');

function codeOf({ uid }: AccessGrant, jti: string, changes: Partial<StoredCode> = {}): StoredCode {
  const fields = {
    uses: 1,
    used: 0,
    expirationTime: NOW + MINUTE,
    subject: null,
    issuedAt: NOW,
    revokedAt: null,
  };
  return { grantUid: uid, jti, ...fields, ...changes };
}

/** The entry of a code in the ConfigMap of its grant. */
function entryOf({ used: _, ...code }: StoredCode): [string, string] {
  return [keyOf(code.jti), JSON.stringify(code)];
}

const nameOf = ({ uid }: AccessGrant) => `linkgrant-codes-${uid}`;

async function writeCodes(grant: AccessGrant, data: Data): Promise<void> {
  const metadata = { name: nameOf(grant), namespace: LINKGRANT, labels: { [GRANT_UID]: grant.uid } };
  const resource = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data };
  await cluster.admin.create(CONFIG_MAPS, resource as Resource);
}

async function readCodes(grant: AccessGrant): Promise<Data> {
  const key = { name: nameOf(grant), namespace: LINKGRANT };
  return (await cluster.admin.get<Resource & { data: Data }>(CONFIG_MAPS, key)).data;
}

it('a code is issued, read and revoked although the record of another code of its grant is damaged', async () => {
  const grant = await storedGrant(store, { namespace });
  const damaged = { [keyOf('damaged')]: '{"jti": "dam' };
  await writeCodes(grant, damaged);
  const code = codeOf(grant, 'a-code');
  await store.createCode(code);
  expect(await store.findCode(grant.uid, 'a-code')).toEqual(code);
  expect(await store.revokeCode(code, NOW)).toBe('revoked');
  expect(await store.revokeCode(code, NOW)).toBe('already_revoked');
  expect(await readCodes(grant)).toEqual({
    ...damaged,
    ...Object.fromEntries([entryOf({ ...code, revokedAt: NOW })]),
  });
});

it('a new code takes the place of the code that expires first among 4,000, but never of a revoked one', async () => {
  const grant = await storedGrant(store, { namespace });
  const codes = Array.from({ length: 4_000 }, (_, index) =>
    codeOf(grant, `code-${index}`, {
      expirationTime: NOW + ((index * 7) % 4_000) * MINUTE,
      revokedAt: index === 0 ? NOW : null,
    }),
  );
  await writeCodes(grant, Object.fromEntries(codes.map(entryOf)));
  const [revoked] = codes as [StoredCode];
  const [, first] = [...codes].sort((a, b) => a.expirationTime - b.expirationTime) as [unknown, StoredCode];
  const added = codeOf(grant, 'one-more');
  await store.createCode(added);
  const data = await readCodes(grant);
  expect(Object.keys(data)).toHaveLength(4_000);
  expect(data).toHaveProperty(keyOf(revoked.jti));
  expect(data).toHaveProperty(keyOf(added.jti));
  expect(data).not.toHaveProperty(keyOf(first.jti));
  await store.revokeCode(added, NOW);
  expect(Object.keys(await readCodes(grant))).toHaveLength(4_000);
});
