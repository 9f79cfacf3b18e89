import {
  type Document,
  isAlias,
  isScalar,
  type ParsedNode,
  parseAllDocuments,
  visit,
  type YAMLMap,
} from 'yaml';

/** A YAML mapping, its values unjudged. */
export type YamlMapping = Readonly<Record<string, unknown>>;

/** How much of a YAML stream is taken. */
export interface YamlLimits {
  /** Most UTF-16 units. */
  readonly length: number;
  readonly documents: number;
}

/** Why a text is not taken; the message ends a sentence (`it …`) and quotes nothing of the text. */
class UnfitYaml extends Error {}

const DEEPEST = 32;
const MOST_BRACKETS = 1_000;
const OWN_TAG = 'tag:yaml.org,2002:';

/**
 * The mappings of a YAML 1.2 stream; empty documents are left out. Untrusted input: aliases, anchors, unknown tags,
 * duplicate keys, deep nesting and what is beyond `limits` are refused. Throws an Error whose message ends a sentence
 * (`it …`) and quotes nothing of the text.
 */
export function parseYamlMappings(text: string, limits: YamlLimits): YamlMapping[] {
  if (text.length > limits.length) throw new UnfitYaml(`it is longer than ${limits.length} characters`);
  // Counted before they are parsed: a few hundred thousand empty documents take seconds.
  if ((text.match(/^(---|\.\.\.)/gm)?.length ?? 0) > 2 * limits.documents) throw tooMany(limits);
  if (isDeep(text)) throw new UnfitYaml('it is nested too deep');
  // No resource has many of these, and a parser can be kept busy with them for a long time.
  if ((text.match(/[[{]/g)?.length ?? 0) > MOST_BRACKETS) throw new UnfitYaml('it has too many brackets');
  if (/^%/m.test(text)) throw new UnfitYaml('it has YAML directives');
  try {
    // Its own search for duplicate keys takes time with their square, so that is done below.
    const parsed = parseAllDocuments(text, {
      prettyErrors: false,
      logLevel: 'silent',
      stringKeys: true,
      uniqueKeys: false,
    });
    const documents = [...parsed].filter(
      (document) => document.contents !== null || document.errors.length > 0,
    );
    if (documents.length > limits.documents) throw tooMany(limits);
    return documents.map(toMapping);
  } catch (error) {
    if (error instanceof UnfitYaml) throw error;
    throw new UnfitYaml('it is not YAML');
  }
}

function tooMany(limits: YamlLimits): UnfitYaml {
  return new UnfitYaml(`it has more than ${limits.documents} document${limits.documents === 1 ? '' : 's'}`);
}

function toMapping(document: Document<ParsedNode>): YamlMapping {
  if (document.errors.length > 0) throw new UnfitYaml('it is not YAML');
  visit(document, {
    Node: (_key, node) => {
      if (isAlias(node) || node.anchor !== undefined) throw new UnfitYaml('it uses YAML anchors or aliases');
      if (node.tag !== undefined && !node.tag.startsWith(OWN_TAG)) throw new UnfitYaml('it uses YAML tags');
    },
    Map: (_key, map) => refuseDuplicates(map),
  });
  const value: unknown = document.toJS({ maxAliasCount: 0 });
  if (!isMapping(value)) throw new UnfitYaml('a document of it is no mapping');
  return value;
}

/** `value` if it is a mapping, else an empty one. */
export function asMapping(value: unknown): YamlMapping {
  return isMapping(value) ? value : {};
}

function isMapping(value: unknown): value is YamlMapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refuseDuplicates(map: YAMLMap): void {
  const keys = new Set(map.items.map(({ key }) => (isScalar(key) ? key.value : key)));
  if (keys.size < map.items.length) throw new UnfitYaml('it has a key twice');
}

/** True when brackets, dashes or indentation could nest deeper than anything a resource needs. */
function isDeep(text: string): boolean {
  if (new RegExp(`^ {${DEEPEST * 4},}\\S`, 'm').test(text)) return true;
  if (new RegExp(`^ *([-?:] +){${DEEPEST + 1}}`, 'm').test(text)) return true;
  let depth = 0;
  for (const char of text) {
    if (char === '[' || char === '{') depth += 1;
    else if (char === ']' || char === '}') depth -= 1;
    if (depth > DEEPEST) return true;
  }
  return false;
}
