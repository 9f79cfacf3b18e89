const CONSTRUCTED = 0x20;

/** Identifier and length octets, in the shortest form, of an element. */
function header(tag, length) {
  const octets = [];
  for (let left = length; left > 0; left >>>= 8) octets.unshift(left & 0xff);
  return Buffer.from(length < 0x80 ? [tag, length] : [tag, 0x80 | octets.length, ...octets]);
}

/**
 * Parses DER into a list of elements, each with its `tag` and either its `content` or its `children`; returns undefined if
 * it is malformed. The content of an OCTET STRING or BIT STRING is not parsed.
 */
export function parseTree(bytes) {
  const elements = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at];
    const first = bytes[at + 1];
    if (first === undefined) return undefined;
    const count = first < 0x80 ? 0 : first & 0x7f;
    if (count > 3 || first === 0x80 || at + 2 + count > bytes.length) return undefined;
    const start = at + 2 + count;
    const length = count === 0 ? first : bytes.readUIntBE(at + 2, count);
    if (start + length > bytes.length) return undefined;
    const content = bytes.subarray(start, start + length);
    const children = (tag & CONSTRUCTED) === 0 ? undefined : parseTree(content);
    elements.push(children === undefined ? { tag, content } : { tag, children });
    at = start + length;
  }
  return elements;
}

/** DER of one element: its `raw` bytes if it has any. */
export function encodeTree(element) {
  if (element.raw) return element.raw;
  const content = element.children ? Buffer.concat(element.children.map(encodeTree)) : element.content;
  return Buffer.concat([header(element.tag, content.length), content]);
}

/** Every element of the tree, parents first, each with the list that contains it and its index in that list. */
export function placesOf(list) {
  return list.flatMap((element, index) => [
    { list, index, element },
    ...(element.children ? placesOf(element.children) : []),
  ]);
}
