import { parse } from 'yaml';
import type { WireResponse } from '../support/wire.js';
import { readProjectFile } from './document.js';
import { type Schema, schemaProblems } from './matches-schema.js';

/** A media type of a body. */
export interface Content {
  readonly schema: Schema;
  readonly example?: unknown;
}

/** A response in the document. */
export interface Answer {
  readonly $ref?: string;
  readonly description?: string;
  readonly headers?: Readonly<Record<string, { readonly $ref: string }>>;
  /** Absent for a response without a body. */
  readonly content?: Readonly<Record<string, Content>>;
}

/** A parameter of an operation. */
export interface Parameter {
  readonly $ref?: string;
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly schema: Schema;
}

/** An operation of a path. */
export interface Operation {
  readonly operationId: string;
  readonly security?: readonly object[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly $ref: string };
  readonly responses: Readonly<Record<string, Answer>>;
}

/** A path: its operations, and parameters of all of them. */
export type PathItem = { readonly parameters?: readonly Parameter[] } & {
  readonly [method in 'get' | 'post' | 'patch' | 'delete']?: Operation;
};

interface OpenApi {
  readonly paths: Readonly<Record<string, PathItem>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly responses: Readonly<Record<string, Answer>>;
    readonly requestBodies: Readonly<Record<string, { readonly content: Readonly<Record<string, Content>> }>>;
  };
}

/** The methods that the document has. */
export const METHODS = ['get', 'post', 'patch', 'delete'] as const;

/** The document in the checkout. */
export const openApi = parse(readProjectFile('openapi.yaml')) as OpenApi;

/** What a `$ref` of the document leads to. */
export function resolve<T>(reference: string): T {
  return reference
    .split('/')
    .slice(1)
    .reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], openApi) as T;
}

/** Returns the target of the `$ref` of `one`, or `one` itself if it has no `$ref`. */
export function resolved<T extends { readonly $ref?: string }>(one: T): T {
  return one.$ref === undefined ? one : resolve<T>(one.$ref);
}

/** The response that the document describes for a status; undefined if it describes none. */
export function answerOf(
  path: string,
  status: number,
  method: (typeof METHODS)[number] = 'post',
): Answer | undefined {
  const answer = openApi.paths[path]?.[method]?.responses[status];
  return answer && resolved(answer);
}

// Headers that any response may have; every other header must be described.
const COMMON = new Set(
  'cache-control connection content-length content-type date transfer-encoding'.split(' '),
);
const SECURITY =
  /^(content-security-policy|cross-origin-.*|origin-agent-cluster|referrer-policy|strict-transport-security|x-.*)$/;

/** Returns how a received response violates the document for this path and method, as sentences; empty if it matches. */
export function problemsOf(
  path: string,
  answer: WireResponse,
  method: (typeof METHODS)[number] = 'post',
): string[] {
  const described = answerOf(path, answer.status, method);
  const at = `${answer.status} of ${method} ${path}`;
  if (!described) return [`the status is not described: ${at}`];
  if (answer.headers['linkgrant-request-id'] === undefined) return [`the answer has no id: ${at}`];
  const headers = Object.entries(answer.headers).flatMap(([name, value]) => {
    if (COMMON.has(name) || SECURITY.test(name)) return [];
    const header = described.headers?.[name];
    if (!header) return [`the header ${name} is not described for ${at}`];
    const { schema } = resolve<{ schema: Schema }>(header.$ref);
    return schemaProblems(schema.type === 'integer' ? Number(value) : value, schema, resolve, name);
  });
  const [type = ''] = (answer.headers['content-type'] ?? '').split(';');
  if (!described.content) return answer.body === '' ? headers : [`a body is not described for ${at}`];
  const content = described.content[type];
  if (!content) return [`${type} is not described for ${at}`];
  const body: unknown = type.endsWith('json') ? JSON.parse(answer.body) : answer.body;
  return [...schemaProblems(body, content.schema, resolve), ...headers];
}
