import { encodeTree, parseTree, placesOf } from './der-tree.mjs';

const SPECIAL_BYTES = [
  0x00, 0x01, 0x02, 0x03, 0x0c, 0x13, 0x16, 0x1e, 0x1f, 0x30, 0x31, 0x7f, 0x80, 0x81, 0x82, 0xa0, 0xff,
];
const TEXTS = [
  [],
  [0xff],
  [0xc0, 0x80],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0x00],
  [0x80],
  [0xe2, 0x82],
  [0x61],
];
const OTHER_ALGORITHMS = [
  '300a06082a8648ce3d040302',
  '300a06082a8648ce3d040303',
  '300906072a8648ce3d0401',
  '300d06092a864886f70d01010b0500',
  '300b06092a864886f70d01010b',
  '300d06092a864886f70d0101050500',
  '300506032b6570',
  '300706032b65700500',
  '300506032b6571',
].map((hex) => Buffer.from(hex, 'hex'));

const spliced = (bytes, start, removed, inserted = Buffer.of()) =>
  Buffer.concat([bytes.subarray(0, start), inserted, bytes.subarray(start + removed)]);

/** Changes of bytes regardless of their meaning; the lengths of the elements around them are not updated. */
const OF_BYTES = {
  'bits flipped': (bytes, chance) => {
    const flipped = Buffer.from(bytes);
    for (let count = 1 + chance.below(3); count > 0; count--) {
      flipped[chance.below(flipped.length)] ^= 1 << chance.below(8);
    }
    return flipped;
  },
  'a byte set': (bytes, chance) => {
    const changed = Buffer.from(bytes);
    changed[chance.below(changed.length)] = chance.pick(SPECIAL_BYTES);
    return changed;
  },
  truncated: (bytes, chance) => bytes.subarray(0, chance.below(bytes.length)),
  'bytes inserted': (bytes, chance) =>
    spliced(bytes, chance.below(bytes.length + 1), 0, chance.bytes(1 + chance.below(8))),
  'bytes removed': (bytes, chance) => spliced(bytes, chance.below(bytes.length), 1 + chance.below(8)),
  'bytes repeated': (bytes, chance) => {
    const start = chance.below(bytes.length);
    return spliced(bytes, start, 0, bytes.subarray(start, start + 1 + chance.below(64)));
  },
};

/** An element as raw bytes whose header is `octets` in place of its own. */
function withHeader(element, octets, tail = []) {
  const whole = encodeTree(element);
  const start = whole[1] < 0x80 ? 2 : 2 + (whole[1] & 0x7f);
  return { raw: Buffer.concat([Buffer.from(octets), whole.subarray(start), Buffer.from(tail)]) };
}

const contentLength = (element) => encodeTree({ ...element, tag: 0x30 }).length;

/** Changes of one element. The elements around it get correct lengths; only a change of a length leaves a wrong one. */
const OF_ELEMENTS = {
  'an element repeated': ({ list, index, element }) => list.splice(index, 0, element),
  'an element removed': ({ list, index }) => list.splice(index, 1),
  'elements swapped': ({ list, index, element }, chance) => {
    const other = chance.below(list.length);
    list[index] = list[other];
    list[other] = element;
  },
  'an element from another request': ({ list, index }, chance, others) => {
    const places = placesOf(parseTree(chance.pick(others)) ?? []);
    list[index] = chance.pick(places).element;
  },
  'another tag': ({ list, index, element }, chance) => {
    list[index] = { ...element, tag: chance.below(4) === 0 ? chance.below(256) : chance.pick(SPECIAL_BYTES) };
  },
  'an indefinite length': ({ list, index, element }, chance) => {
    list[index] = withHeader(element, [element.tag, 0x80], chance.below(2) === 0 ? [0, 0] : []);
  },
  'a length that is not minimal': ({ list, index, element }, chance) => {
    const length = contentLength(element);
    const octets = [length >>> 8, length & 0xff];
    const padding = Array.from({ length: chance.below(4) }, () => 0);
    list[index] = withHeader(element, [element.tag, 0x82 + padding.length, ...padding, ...octets]);
  },
  'a wrong length': ({ list, index, element }, chance) => {
    const length = Math.max(
      0,
      contentLength(element) + chance.pick([-4, -3, -2, -1, 1, 2, 127, 128, 65_535]),
    );
    const octets =
      length < 0x80 ? [length] : [0x83, (length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff];
    list[index] = withHeader(element, [element.tag, ...octets]);
  },
  'a huge length': ({ list, index, element }, chance) => {
    const octets = chance.pick([
      [0x84, 0xff, 0xff, 0xff, 0xff],
      [0x84, 0x7f, 0xff, 0xff, 0xff],
      [0x88, 0x80, 0, 0, 0, 0, 0, 0, 0],
      [0xff],
    ]);
    list[index] = withHeader(element, [element.tag, ...octets]);
  },
  'a huge integer': ({ list, index }, chance) => {
    list[index] = { tag: 0x02, content: chance.bytes(chance.pick([9, 127, 128, 512, 513, 2_049, 3_000])) };
  },
  'an odd integer': ({ list, index }, chance) => {
    const content = Buffer.from(
      chance.pick([[], [0], [1], [0, 0], [0, 1], [0xff], [0x80], [0xff, 0xff], [0, 0x80]]),
    );
    list[index] = { tag: 0x02, content };
  },
  'other text': ({ list, index, element }, chance) => {
    list[index] = { tag: element.tag, content: Buffer.from(chance.pick(TEXTS)) };
  },
  'deep nesting': ({ list, index, element }, chance) => {
    let nested = element;
    for (let depth = chance.pick([1, 2, 15, 16, 17, 18, 400]); depth > 0; depth--) {
      nested = { tag: chance.pick([0x30, 0x31, 0xa0]), children: [nested] };
    }
    list[index] = nested;
  },
  'an element repeated many times': ({ list, index, element }, chance) => {
    list.splice(index, 0, ...Array.from({ length: chance.pick([10, 100, 1_000]) }, () => element));
  },
};

/** Combinations of parts of two valid requests. */
const OF_PARTS = {
  'another signature': ([info, algorithm], [, , signature]) => [info, algorithm, signature],
  'another algorithm': ([info, , signature], _other, chance) => [
    info,
    { raw: chance.pick(OTHER_ALGORITHMS) },
    signature,
  ],
  'algorithm and signature of another': ([info], [, algorithm, signature]) => [info, algorithm, signature],
  'another key': ([info, ...signed], [otherInfo]) => {
    const [version, name, , attributes] = info.children;
    return [{ tag: 0x30, children: [version, name, otherInfo.children[2], attributes] }, ...signed];
  },
};

function inElement(change, bytes, chance, others) {
  const tree = parseTree(bytes);
  // Bytes that an earlier change made malformed have no elements.
  if (!tree || tree.length === 0)
    return OF_BYTES['bits flipped'](bytes.length > 0 ? bytes : Buffer.of(0), chance);
  change(chance.pick(placesOf(tree)), chance, others);
  return Buffer.concat(tree.map(encodeTree));
}

function ofParts(change, bytes, chance, others) {
  const [one] = parseTree(bytes);
  const [other] = parseTree(chance.pick(others));
  return encodeTree({ tag: 0x30, children: change(one.children, other.children, chance) });
}

const unlessEmpty = (change) => (bytes, chance) => (bytes.length === 0 ? bytes : change(bytes, chance));
const mapped = (changes, make) =>
  Object.entries(changes).map(([kind, change]) => ({ kind, apply: make(change) }));

/**
 * All ways to change DER, each with its `kind` and `apply(bytes, chance, others)`, `others` being DER of real requests.
 * `ofAny` are for any bytes, `ofRequests` only for a well-formed request.
 */
export const REQUEST_MUTATIONS = {
  ofAny: [
    ...mapped(OF_BYTES, unlessEmpty),
    ...mapped(OF_ELEMENTS, (change) => (bytes, chance, others) => inElement(change, bytes, chance, others)),
  ],
  ofRequests: mapped(OF_PARTS, (change) => (bytes, chance, others) => ofParts(change, bytes, chance, others)),
};
