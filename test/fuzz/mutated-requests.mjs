import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { createChance } from './chance.mjs';
import { encodeTree, parseTree } from './der-tree.mjs';
import { REQUEST_MUTATIONS } from './request-mutations.mjs';
import { readRequestSeeds } from './request-seeds.mjs';

// One in this many is signed after its mutations, so that it can still be accepted.
const SIGNED_EVERY = 3;
const ED25519 = Buffer.from('300506032b6570', 'hex');
// Ed25519 signatures are deterministic: with a fixed key (PKCS#8, RFC 8410 §7) the same seed gives the same bytes.
const KEY = createPrivateKey({
  key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 7)]),
  format: 'der',
  type: 'pkcs8',
});
const SPKI = createPublicKey(KEY).export({ format: 'der', type: 'spki' });

function mutate(der, mutations, chance, others) {
  const kinds = [];
  let bytes = der;
  for (let count = chance.pick([1, 1, 1, 2, 3]); count > 0; count--) {
    const { kind, apply } = chance.pick(kinds.length === 0 ? mutations : REQUEST_MUTATIONS.ofAny);
    kinds.push(kind);
    bytes = apply(bytes, chance, others);
  }
  return { bytes, kinds };
}

/** Puts our key into the request, mutates the signed part or only its name or attributes, and signs the result. */
function mutateAndSign(der, chance, others) {
  const [{ children: request }] = parseTree(der);
  const [version, name, , attributes] = request[0].children;
  const change = (part) => mutate(encodeTree(part), REQUEST_MUTATIONS.ofAny, chance, others);
  const infoWith = (itsName, itsAttributes) => ({
    tag: 0x30,
    children: [version, itsName, { raw: SPKI }, itsAttributes],
  });
  const part = chance.pick(['all', 'name', 'attributes']);
  const { bytes: raw, kinds } = change({ all: infoWith(name, attributes), name, attributes }[part]);
  const info = { all: { raw }, name: infoWith({ raw }, attributes), attributes: infoWith(name, { raw }) }[
    part
  ];
  const infoDer = encodeTree(info);
  const signature = { tag: 0x03, content: Buffer.concat([Buffer.of(0), sign(null, infoDer, KEY)]) };
  return {
    der: encodeTree({ tag: 0x30, children: [{ raw: infoDer }, { raw: ED25519 }, signature] }),
    kinds: ['signed', ...kinds],
  };
}

/** Returns a request with one to three mutations. */
export function mutateRequest(der, chance) {
  const { bytes, kinds } = mutate(
    der,
    [...REQUEST_MUTATIONS.ofAny, ...REQUEST_MUTATIONS.ofRequests],
    chance,
    [der],
  );
  return { der: bytes, kinds };
}

/** Yields `count` requests, each a recorded one with one to three mutations. The same `seed` yields the same requests. */
export function* mutatedRequests(count, seed) {
  const chance = createChance(seed);
  const originals = readRequestSeeds();
  const others = originals.map(({ der }) => der);
  const mutations = [...REQUEST_MUTATIONS.ofAny, ...REQUEST_MUTATIONS.ofRequests];
  for (let index = 0; index < count; index++) {
    const { name, der } = originals[index % originals.length];
    if (chance.below(SIGNED_EVERY) === 0) {
      yield { from: name, ...mutateAndSign(der, chance, others) };
    } else {
      const { bytes, kinds } = mutate(der, mutations, chance, others);
      yield { from: name, der: bytes, kinds };
    }
  }
}
