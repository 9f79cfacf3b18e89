import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { encodeLinkDocuments } from '../../../src/domain/link-resources.js';
import { redemptionIdIn } from '../../../src/pki/certificate-info.js';
import { directoryMaterializer } from '../../../src/platforms/files/directory-materializer.js';
import { linkDirectory } from '../../../src/platforms/files/link-directory.js';
import { linkRecords } from '../../../src/platforms/files/link-records.js';
import { deleteLink } from '../../../src/redemption/requesting/delete-link.js';
import { linkTo, makeLinkSecret } from '../../support/links/link-samples.js';
import { directoryForTest } from '../../support/release.js';
import { makeAuthority } from '../../support/server-identity.js';

let root: string;
let directory: string;
let data: string;

beforeEach(() => {
  root = directoryForTest();
  directory = join(root, 'links');
  data = join(root, 'data');
});

/** Writes a link as a redemption does, and the record `record` of that redemption if it is given. */
async function writeRedeemedLink(
  name: string,
  options: { readonly groups?: number; readonly record?: string } = {},
) {
  const { groups = 1, record } = options;
  const secret = await makeLinkSecret(await makeAuthority('Site CA'), { name });
  const links = Array.from({ length: groups }, (_, at) => ({
    ...linkTo('router.example.com', 55671, groups === 1 ? name : `${name}-${at + 1}`),
    tlsCredentials: name,
  }));
  await directoryMaterializer(directory, Date.now).materialize(secret, links, () => undefined);
  if (record !== undefined) {
    mkdirSync(join(data, 'redemptions', record), { recursive: true });
    const { tlsKey, ...answered } = secret;
    const answer = encodeLinkDocuments(answered, links);
    writeFileSync(join(data, 'redemptions', record, 'answer.yaml'), answer);
    writeFileSync(join(data, 'redemptions', record, 'key.pem'), tlsKey);
  }
  return secret;
}

const deps = () => ({ links: linkDirectory(directory), records: linkRecords(data) });

describe('the links of a directory', () => {
  test('are empty if the directory does not exist', async () => {
    expect(await deps().links.list()).toEqual([]);
    expect(await deleteLink('any', deps())).toBeUndefined();
  });

  test('are those that a redemption wrote, with their Secret', async () => {
    const secret = await writeRedeemedLink('to-west');
    const [link, ...others] = await deps().links.list();
    expect(others).toEqual([]);
    expect(link).toMatchObject({ ...linkTo('router.example.com', 55671), place: expect.any(String) });
    expect(link?.redemptionId).toBe(secret.annotations?.['linkgrant.dev/redemption-id']);
    const place = join(directory, 'Secret-to-west.yaml');
    expect(await deps().links.findSecret('to-west')).toEqual({ ...secret, place });
  });

  test('include hand-written Links in a file of several documents, beside files that are not YAML', async () => {
    mkdirSync(directory);
    writeFileSync(join(directory, 'broken.yaml'), 'a: [');
    writeFileSync(join(directory, 'notes.txt'), 'kind: Link');
    writeFileSync(
      join(directory, 'all.yml'),
      [
        'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n',
        'kind: Link\nmetadata:\n  name: b\nspec:\n  cost: 2\n  tlsCredentials: b\n  endpoints:\n  - {name: edge, host: h, port: 45671}\n',
        'kind: Link\nmetadata:\n  name: a\nspec:\n  endpoints:\n  - {name: other, host: h, port: 1}\n  - {name: edge, host: h, port: 70000}\n',
      ].join('---\n'),
    );
    expect(await deps().links.list()).toMatchObject([
      { name: 'a', endpoints: [] },
      { name: 'b', cost: 2, endpoints: [{ name: 'edge', host: 'h', port: '45671', group: '' }] },
    ]);
  });
});

describe('link update', () => {
  test('changes only the given field; labels, annotations and all other fields stay', async () => {
    await writeRedeemedLink('to-west');
    const file = join(directory, 'Link-to-west.yaml');
    const before = readFileSync(file, 'utf8');
    expect(await deps().links.update('to-west', { cost: 7 })).toBe(file);
    const after = readFileSync(file, 'utf8');
    expect(after).toContain('cost: 7\n');
    const [was] = parseAllDocuments(before).map((document) => document.toJS());
    const [is] = parseAllDocuments(after).map((document) => document.toJS());
    expect(is).toEqual({ ...was, spec: { ...was.spec, cost: 7 } });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory).sort()).toEqual(['Link-to-west.yaml', 'Secret-to-west.yaml']);
  });

  test('retains comments and other documents of a stream, and reports an unknown link', async () => {
    mkdirSync(directory);
    const file = join(directory, 'links.yaml');
    const one = 'kind: Link # ours\nmetadata:\n  name: one\nspec:\n  cost: 1 # dear\n';
    writeFileSync(file, `${one}---\nkind: Link\nmetadata:\n  name: two\nspec:\n  tlsCredentials: "yes"\n`);
    await deps().links.update('two', { cost: 3, tlsCredentials: 'no' });
    const text = readFileSync(file, 'utf8');
    expect(text).toContain('kind: Link # ours');
    expect(text).toContain('cost: 1 # dear');
    const [, two] = parseAllDocuments(text).map((document) => document.toJS());
    expect(two.spec).toEqual({ tlsCredentials: 'no', cost: 3 });
    expect(await deps().links.update('three', { cost: 3 })).toBeUndefined();
  });
});

describe('the replacement of credentials', () => {
  test.each(['annotations:', 'annotations: null', 'labels: {}'])(
    'adds annotations to a Secret whose metadata has `%s`',
    async (line) => {
      mkdirSync(directory);
      const file = join(directory, 'Secret-hub.yaml');
      const { tlsCrt } = await makeLinkSecret(await makeAuthority('Site CA'));
      const data = `data:\n  tls.crt: ${Buffer.from(tlsCrt).toString('base64')}\n`;
      writeFileSync(file, `kind: Secret # ours\nmetadata:\n  name: hub\n  ${line}\n${data}`);
      const renewed = await makeLinkSecret(await makeAuthority('Site CA'), { name: 'hub' });
      expect(await deps().links.replaceCredentials('hub', tlsCrt, renewed)).toBe(file);
      expect(await deps().links.findSecret('hub')).toEqual({ ...renewed, place: file });
      expect(readFileSync(file, 'utf8')).toContain('# ours');
    },
  );
});

describe('link delete', () => {
  test('deletes the Secret and the record of the redemption too, and no other link', async () => {
    await writeRedeemedLink('to-west', { record: 'aaaa' });
    await writeRedeemedLink('to-north', { record: 'bbbb' });
    expect(await deleteLink('to-west', deps())).toEqual({
      removed: [join(directory, 'Link-to-west.yaml'), join(directory, 'Secret-to-west.yaml')],
      secretUsedBy: [],
      records: 1,
      certificates: [expect.stringContaining('BEGIN CERTIFICATE')],
    });
    expect(readdirSync(directory).sort()).toEqual(['Link-to-north.yaml', 'Secret-to-north.yaml']);
    expect(readdirSync(join(data, 'redemptions'))).toEqual(['bbbb']);
  });

  test('retains a Secret and its record while another Link uses it', async () => {
    await writeRedeemedLink('to-west', { groups: 2, record: 'aaaa' });
    expect(await deleteLink('to-west-1', deps())).toMatchObject({ secretUsedBy: ['to-west-2'], records: 0 });
    expect(readdirSync(directory).sort()).toEqual(['Link-to-west-2.yaml', 'Secret-to-west.yaml']);
    expect(await deleteLink('to-west-2', deps())).toMatchObject({ secretUsedBy: [], records: 1 });
    expect(readdirSync(directory)).toEqual([]);
  });

  test('deletes every Link of a redemption if it is given the name of the redemption', async () => {
    await writeRedeemedLink('to-west', { groups: 3, record: 'aaaa' });
    expect((await deleteLink('to-west', deps()))?.removed).toHaveLength(4);
    expect(readdirSync(directory)).toEqual([]);
    expect(readdirSync(join(data, 'redemptions'))).toEqual([]);
  });

  test('completes an earlier deletion that was interrupted', async () => {
    await writeRedeemedLink('to-west', { record: 'aaaa' });
    rmSync(join(directory, 'Link-to-west.yaml'));
    expect(await deleteLink('to-west', deps())).toMatchObject({ records: 1 });
    expect(readdirSync(directory)).toEqual([]);
  });

  test('deletes the record and the renewal keys of a renewed link whose Link is already deleted', async () => {
    const authority = await makeAuthority('Site CA');
    const { tlsCrt } = await writeRedeemedLink('to-west', { record: 'aaaa' });
    const redemptionId = redemptionIdIn(tlsCrt) ?? '';
    const renewed = await makeLinkSecret(authority, { redemptionId });
    await deps().links.replaceCredentials('to-west', tlsCrt, renewed);
    mkdirSync(join(data, 'renewals'));
    writeFileSync(join(data, 'renewals', `${redemptionId}.${'a'.repeat(64)}.pem`), renewed.tlsKey);
    rmSync(join(directory, 'Link-to-west.yaml'));
    expect(await deleteLink('to-west', deps())).toMatchObject({ records: 1 });
    expect(readdirSync(join(data, 'redemptions'))).toEqual([]);
    expect(readdirSync(join(data, 'renewals'))).toEqual([]);
  });

  test('can be repeated after the record of the redemption could not be deleted', async () => {
    await writeRedeemedLink('to-west', { record: 'aaaa' });
    const records = { ...deps().records, remove: () => Promise.reject(new Error('EACCES')) };
    await expect(deleteLink('to-west', { ...deps(), records })).rejects.toThrow('EACCES');
    expect(await deleteLink('to-west', deps())).toMatchObject({ records: 1 });
    expect(readdirSync(directory)).toEqual([]);
  });

  test('does not delete a Secret of the given name that has another owner or is for a proxy', async () => {
    mkdirSync(directory);
    const secret = (name: string, more: object) =>
      writeFileSync(join(directory, `Secret-${name}.yaml`), JSON.stringify({ kind: 'Secret', ...more }));
    secret('my-tls', { metadata: { name: 'my-tls' } });
    const labels = { 'app.kubernetes.io/managed-by': 'linkgrant' };
    secret('proxy', { type: 'kubernetes.io/basic-auth', metadata: { name: 'proxy', labels } });
    expect(await deleteLink('my-tls', deps())).toBeUndefined();
    expect(await deleteLink('proxy', deps())).toBeUndefined();
    expect(readdirSync(directory)).toHaveLength(2);
  });

  test("deletes the Link's proxy Secret if no other Link uses it, also after a crash, and never another owner's", async () => {
    const proxySecret = (name: string, labels: object) =>
      writeFileSync(
        join(directory, `Secret-${name}.yaml`),
        JSON.stringify({
          kind: 'Secret',
          type: 'kubernetes.io/basic-auth',
          metadata: { name, labels },
          stringData: { host: '127.0.0.1', port: '3128' },
        }),
      );
    const through = (link: string, proxy: string) => {
      const file = join(directory, `Link-${link}.yaml`);
      const settings = `spec:\n  settings: {proxy-configuration: ${proxy}}\n`;
      writeFileSync(file, readFileSync(file, 'utf8').replace('spec:\n', settings));
    };
    const ours = { 'app.kubernetes.io/managed-by': 'linkgrant' };
    for (const name of ['east', 'north', 'south', 'west']) await writeRedeemedLink(name);
    proxySecret('shared', ours);
    proxySecret('given', {});
    through('east', 'shared');
    through('north', 'shared');
    through('south', 'given');
    await deleteLink('east', deps());
    await deleteLink('south', deps());
    expect(readdirSync(directory)).toEqual(
      expect.arrayContaining(['Secret-given.yaml', 'Secret-shared.yaml']),
    );
    expect((await deleteLink('north', deps()))?.removed).toContain(join(directory, 'Secret-shared.yaml'));
    proxySecret('orphan', ours);
    rmSync(join(directory, 'Link-west.yaml'));
    await deleteLink('west', deps());
    expect(readdirSync(directory)).toEqual(['Secret-given.yaml']);
  });

  test('removes one document from a stream and retains the others', async () => {
    mkdirSync(directory);
    const file = join(directory, 'links.yaml');
    writeFileSync(file, 'kind: Link\nmetadata:\n  name: one\n---\nkind: Link\nmetadata:\n  name: two\n');
    expect((await deleteLink('one', deps()))?.removed).toEqual([file]);
    expect((await deps().links.list()).map(({ name }) => name)).toEqual(['two']);
  });
});
