import type { CST, Document, YAMLMap } from 'yaml';
import { MAX_FILE_BYTES } from './bounded-text.js';
import { yaml } from './yaml.js';

/** A YAML mapping with unchecked values. */
export type YamlMapping = Readonly<Record<string, unknown>>;

/** Limits of a YAML stream. */
export interface YamlLimits {
  /** Maximum number of UTF-16 units; the default is 1,048,576, which is also the maximum of bytes of a file. */
  readonly length?: number;
  readonly documents: number;
}

/** A refused text. The message is the second half of a sentence: it begins with `it`, and quotes nothing of the text. */
class UnfitYaml extends Error {}

/** Maximum depth of the parser's stack: the document, 32 nested collections and one scalar. */
const MAX_STACK_DEPTH = 34;
/** A response with 65 documents has 6,175 tokens; without this limit, parsing 1 MiB can take 30 s and 1.4 GB, depending on the tokens. */
const MAX_TOKENS = 20_000;
/**
 * Maximum number of lines; 1 MiB of base64 in lines of 64 characters has fewer lines. MAX_TOKENS does not limit the lines, because
 * one token (a scalar) may have many.
 */
const MAX_LINES = 20_000;
/** UTF-16 units of one lexeme, such as a scalar. A chain of certificates has fewer; 1 MiB of quotes takes 110 MiB of memory. */
const MAX_LEXEME_LENGTH = 512 * 1024;
// The prefix of the tags of YAML itself, such as !!str.
const STANDARD_TAG = 'tag:yaml.org,2002:';

/**
 * Parses the mappings of a YAML 1.2 stream, and skips empty documents. The input is untrusted: refuses aliases, anchors,
 * unknown tags, duplicate keys, deep nesting and input beyond `limits`. Throws an Error whose message is
 * the second half of a sentence: it begins with `it`, and quotes nothing of the text.
 */
export function parseYamlMappings(text: string, limits: YamlLimits): YamlMapping[] {
  return parseYamlDocuments(text, limits).map((document) => asMapping(document.toJS({ maxAliasCount: 0 })));
}

/** Parses the documents of a stream that {@link parseYamlMappings} accepts, in the same order. Throws as it does. */
export function parseYamlDocuments(text: string, limits: YamlLimits): Document.Parsed[] {
  const { length = MAX_FILE_BYTES } = limits;
  if (text.length > length) throw new UnfitYaml(`it is longer than ${length} characters`);
  if (hasMoreLines(text, MAX_LINES)) throw new UnfitYaml('it has too many lines');
  // The composer's search for duplicate keys takes quadratic time; `checkPlain` checks for them instead.
  const { Composer } = yaml();
  const composer = new Composer({ logLevel: 'silent', stringKeys: true, uniqueKeys: false });
  const documents: Document.Parsed[] = [];
  const add = (composed: Iterable<Document.Parsed>) => {
    for (const document of composed) {
      if (document.errors.length > 0) throw new UnfitYaml('it is not YAML');
      if (document.contents === null) continue;
      if (documents.length === limits.documents) throw tooMany(limits);
      checkPlain(document);
      documents.push(document);
    }
  };
  try {
    for (const token of tokensOf(text)) {
      if (token.type === 'document') checkScalars(token);
      add(composer.next(token));
    }
    add(composer.end());
  } catch (error) {
    if (error instanceof UnfitYaml) throw error;
    throw new UnfitYaml('it is not YAML');
  }
  return documents;
}

function hasMoreLines(text: string, limit: number): boolean {
  let at = -1;
  for (let lines = 0; lines <= limit; lines++) {
    at = text.indexOf('\n', at + 1);
    if (at < 0) return false;
  }
  return true;
}

/** Yields the tokens of the parser up to the first refused one. Limits the depth, because the composer recurses. */
function* tokensOf(text: string): Generator<CST.Token> {
  const { Lexer, Parser } = yaml();
  const parser = new Parser();
  let count = 0;
  for (const lexeme of new Lexer().lex(text)) {
    count += 1;
    if (count > MAX_TOKENS) throw new UnfitYaml('it has too many YAML tokens');
    if (lexeme.length > MAX_LEXEME_LENGTH) throw new UnfitYaml('it has a YAML token that is too long');
    for (const token of parser.next(lexeme)) {
      if (token.type === 'error') throw new UnfitYaml('it is not YAML');
      if (token.type === 'directive') throw new UnfitYaml('it has YAML directives');
      yield token;
    }
    if (parser.stack.length > MAX_STACK_DEPTH) throw new UnfitYaml('it is nested too deep');
  }
  yield* parser.end();
}

/**
 * Throws at the first invalid escape or line in a scalar. The composer would create an Error for each of them, which takes
 * seconds for a long text.
 */
function checkScalars(document: CST.Document): void {
  const refuse = () => {
    throw new UnfitYaml('it is not YAML');
  };
  const { visit, resolveAsScalar } = yaml().CST;
  visit(document, ({ key, value }) => {
    resolveAsScalar(key, true, refuse);
    resolveAsScalar(value, true, refuse);
  });
}

function tooMany(limits: YamlLimits): UnfitYaml {
  return new UnfitYaml(`it has more than ${limits.documents} document${limits.documents === 1 ? '' : 's'}`);
}

/** Throws unless the document is a mapping without anchors, aliases, unknown tags and duplicate keys. */
function checkPlain(document: Document.Parsed): void {
  const { visit, isAlias, isMap } = yaml();
  visit(document, {
    Node: (_key, node) => {
      if (isAlias(node) || node.anchor !== undefined) throw new UnfitYaml('it uses YAML anchors or aliases');
      if (node.tag !== undefined && !node.tag.startsWith(STANDARD_TAG))
        throw new UnfitYaml('it uses YAML tags');
    },
    Map: (_key, map) => refuseDuplicates(map),
  });
  if (!isMap(document.contents)) throw new UnfitYaml('one of its documents is not a mapping');
}

/** Returns `value` if it is a mapping, else an empty one. */
export function asMapping(value: unknown): YamlMapping {
  return isMapping(value) ? value : {};
}

/** Returns the items of a list as mappings; none for any other value. */
export function asMappings(value: unknown): YamlMapping[] {
  return Array.isArray(value) ? value.map(asMapping) : [];
}

/** True for a mapping. */
export function isMapping(value: unknown): value is YamlMapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refuseDuplicates(map: YAMLMap): void {
  const { isScalar } = yaml();
  const keys = new Set(map.items.map(({ key }) => (isScalar(key) ? key.value : key)));
  if (keys.size < map.items.length) throw new UnfitYaml('it has a key twice');
}
