import { ApiError, errorOfResponse } from './api-error.js';
import { noResponseError, type ResponseStream } from './api-transport.js';
import type { Resource, Stored } from './resource.js';

/** A change that a watch reports. A bookmark has only a resourceVersion. */
export type WatchEvent<T extends Resource> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: Stored<T> }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

// About ten times the largest resource that etcd accepts by default (1.5 MiB). One event has one resource.
const MAX_CHARACTERS = 16 * 1024 * 1024;

/**
 * Yields the events of a watch until the server ends it without an error. Throws ApiError: `gone` if the watch must start again
 * with a list, `unavailable` if the stream broke.
 */
export async function* watchEvents<T extends Resource>(
  response: ResponseStream,
  description: string,
): AsyncGenerator<WatchEvent<T>, void, undefined> {
  let rest = '';
  response.setEncoding('utf8');
  try {
    for await (const chunk of response as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > MAX_CHARACTERS) throw new Error('an event is too long');
      for (const line of lines) if (line !== '') yield eventOf<T>(line, description);
    }
    // An incomplete line is a lost event.
    if (rest !== '') throw new Error('the stream was cut');
  } catch (error) {
    throw error instanceof ApiError ? error : noResponseError(description, error, false);
  } finally {
    response.destroy();
  }
}

function eventOf<T extends Resource>(line: string, description: string): WatchEvent<T> {
  const { type, object } = JSON.parse(line) as { readonly type: string; readonly object: Stored<T> };
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return { type, object };
    case 'BOOKMARK':
      return { type, resourceVersion: object.metadata.resourceVersion };
    default: {
      const { code } = object as unknown as { readonly code?: unknown };
      throw errorOfResponse(description, typeof code === 'number' ? code : 500, {}, JSON.stringify(object));
    }
  }
}
