import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, onTestFinished } from 'vitest';

type Resource = Partial<Record<'close' | 'remove' | 'stop', () => unknown>>;

const release = async (resource: Resource): Promise<void> => {
  await (resource.close ?? resource.remove ?? resource.stop)?.call(resource);
};

/** Closes, removes or stops a resource after the tests of the file, the latest resource first. Returns the resource. */
export function releaseAfterFile<T extends Resource>(resource: T): T {
  afterAll(() => release(resource));
  return resource;
}

/** Closes, removes or stops a resource after the current test, the latest resource first. Returns the resource. */
export function releaseAfterTest<T extends Resource>(resource: T): T {
  onTestFinished(() => release(resource));
  return resource;
}

function makeDirectory(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'linkgrant-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Creates a temporary directory that is removed after the tests of the file. Returns its path. */
export const directoryForFile = (): string => releaseAfterFile(makeDirectory()).path;

/** Creates a temporary directory that is removed after the current test. Returns its path. */
export const directoryForTest = (): string => releaseAfterTest(makeDirectory()).path;
