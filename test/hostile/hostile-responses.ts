import { randomUUID } from 'node:crypto';
import { type Link, linksToEndpoints } from '../../src/domain/link.js';
import { encodeLinkDocuments } from '../../src/domain/link-resources.js';
import type { CertificateAuthority } from '../../src/pki/authority.js';
import { issueClientCertificate, issueServerCertificate } from '../../src/pki/certificates.js';
import { generateKey } from '../../src/pki/keys.js';
import { DAY_MS, makeAuthority } from '../support/server-identity.js';
import { ENDPOINTS } from '../support/servers/issuing-server.js';
import type { Chance } from './round.js';

/** Text that a hostile server sends and that must not appear in messages. */
export const MARKER = 'EVIL-MARKER';

/** CAs and addresses that hostile responses are made with. */
export interface ResponseMaterial {
  readonly authority: CertificateAuthority;
  readonly other: CertificateAuthority;
  /** URL of a server that no client may connect to. */
  readonly trap: string;
}

/** Creates the authorities. */
export async function prepareResponses(trap: string): Promise<ResponseMaterial> {
  return { authority: await makeAuthority('Hostile CA'), other: await makeAuthority('Hostile CA'), trap };
}

/** The parts of a response before they are written as YAML. */
interface ResponseParts {
  name: string;
  caCrt: string;
  tlsCrt: string;
  tlsKey?: string;
  links: readonly Link[];
}

/** What a client requested, and whether it identified the server as linkgrant or as a stock server. */
export interface ClientRequest {
  readonly name: string;
  readonly spkiDer: Uint8Array;
  readonly manner: 'linkgrant' | 'stock';
}

type PartChange = (
  parts: ResponseParts,
  context: { readonly request: ClientRequest; readonly material: ResponseMaterial; readonly chance: Chance },
) => Promise<void> | void;

async function issue(
  authority: CertificateAuthority,
  spkiDer: Uint8Array,
  subject: string,
  now = Date.now(),
) {
  const lifetimeMs = now < Date.now() - DAY_MS ? DAY_MS : 30 * DAY_MS;
  const redemptionId = randomUUID();
  return (await issueClientCertificate({ authority, spkiDer, subject, redemptionId, lifetimeMs, now }))
    .certificate;
}

async function otherSpki(): Promise<Uint8Array> {
  return (await generateKey('p256')).spkiDer;
}

const endpointChange = (change: (endpoint: Record<string, unknown>, chance: Chance) => void): PartChange => {
  return (parts, { chance }) => {
    const endpoints = ENDPOINTS.map((endpoint) => ({ ...endpoint }) as Record<string, unknown>);
    change(chance.pick(endpoints), chance);
    parts.links = parts.links.map((link) => ({ ...link, endpoints: endpoints as never }));
  };
};

/** Changes after which a response must never become a Link. */
export const WRONG_PARTS: Readonly<Record<string, PartChange>> = {
  'a certificate for another key': async (parts, { request, material }) => {
    if (request.manner === 'linkgrant')
      parts.tlsCrt = await issue(material.authority, await otherSpki(), request.name);
    else parts.tlsKey = (await generateKey('p256')).keyPem;
  },
  'a certificate of another CA with the same name': (parts, { material }) => {
    parts.caCrt = material.other.bundlePem;
  },
  'an expired certificate': async (parts, { request, material }) => {
    parts.tlsCrt = await issue(material.authority, request.spkiDer, request.name, Date.now() - 20 * DAY_MS);
  },
  'a certificate as its own CA': (parts) => {
    parts.caCrt = parts.tlsCrt;
  },
  "a server's certificate": async (parts, { request, material }) => {
    const { authority } = material;
    const wish = {
      authority,
      spkiDer: request.spkiDer,
      commonName: 'x',
      hosts: ['h'],
      lifetimeMs: DAY_MS,
      now: Date.now(),
    };
    parts.tlsCrt = (await issueServerCertificate(wish)).certificate;
  },
  'a certificate with a broken signature': (parts) => {
    const [, base64 = ''] = /-----\n([^-]+)-----/.exec(parts.tlsCrt) ?? [];
    const der = Buffer.from(base64, 'base64');
    der[der.length - 3] = (der.at(-3) ?? 0) ^ 0x10;
    parts.tlsCrt = `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;
  },
  'a wrong private key': async (parts, { request, material }) => {
    const { keyPem, spkiDer } = await generateKey('p256');
    if (request.manner === 'stock') {
      parts.tlsKey = 'none';
      return;
    }
    parts.tlsKey = keyPem;
    parts.tlsCrt = await issue(material.authority, spkiDer, request.name);
  },
  'no certificate': (parts) => {
    parts.tlsCrt = '';
  },
  'another name': (parts) => {
    parts.name = 'other';
    parts.links = linksToEndpoints('other', ENDPOINTS);
  },
  'a name that is a path': (parts) => {
    parts.name = '../../escaped';
    parts.links = linksToEndpoints('../../escaped', ENDPOINTS);
  },
  'a Link of another name': (parts, { chance }) => {
    const name = chance.pick([
      'other',
      `${parts.name}-x`,
      `${parts.name}-`,
      `${parts.name}-1-2`,
      '../x',
      `${parts.name}-01`,
    ]);
    parts.links = parts.links.map((link) => ({ ...link, name }));
  },
  'other tlsCredentials': (parts) => {
    parts.links = parts.links.map((link) => ({ ...link, tlsCredentials: 'skupper-site-server' }));
  },
  'no Link': (parts) => {
    parts.links = [];
  },
  'one Link twice': (parts) => {
    parts.links = [...parts.links, ...parts.links];
  },
  'many Links': (parts) => {
    parts.links = Array.from({ length: 70 }, (_, index) => ({
      ...(parts.links[0] as Link),
      name: `${parts.name}-${index + 1}`,
    }));
  },
  'no endpoints': (parts) => {
    parts.links = parts.links.map((link) => ({ ...link, endpoints: [] }));
  },
  'an endpoint with an invalid host': endpointChange((endpoint, chance) => {
    endpoint.host = chance.pick([
      '',
      'a b',
      '1.2.3',
      'x'.repeat(300),
      'fe80::1%eth0',
      'a/b',
      '$(id)',
      'h:1',
      '-x',
      '\u202e',
    ]);
  }),
  'an endpoint with an invalid port': endpointChange((endpoint, chance) => {
    endpoint.port = chance.pick(['0', '65536', '-1', '1e3', '', '0x50', '5671 ', '99999999999']);
  }),
  'an endpoint with an invalid name': endpointChange((endpoint, chance) => {
    endpoint.name = chance.pick(['', 'inter-router2', 'EDGE', 'normal']);
  }),
};

/** The YAML of a valid response, after a change of its parts. */
export async function renderResponse(
  request: ClientRequest,
  material: ResponseMaterial,
  change: PartChange | undefined,
  chance: Chance,
): Promise<string> {
  const { name, manner } = request;
  const key = manner === 'stock' ? await generateKey('p256') : undefined;
  const spkiDer = key?.spkiDer ?? request.spkiDer;
  const parts: ResponseParts = {
    ...{ name, caCrt: material.authority.bundlePem, links: linksToEndpoints(name, ENDPOINTS) },
    tlsCrt: await issue(material.authority, spkiDer, name),
    ...(key && { tlsKey: key.keyPem }),
  };
  await change?.(parts, { request: { ...request, spkiDer }, material, chance });
  const { links, ...secret } = parts;
  return encodeLinkDocuments(secret, links);
}
