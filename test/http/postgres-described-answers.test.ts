import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { startAdminService } from '../support/admin-api.js';
import { directoryForFile, releaseAfterFile } from '../support/release.js';
import { createTestDatabase } from '../support/stores/postgres-server.js';
import { describedAnswers } from './described-answers.js';

const directory = directoryForFile();
const database = releaseAfterFile(await createTestDatabase());
const passfile = join(directory, 'passwords');
writeFileSync(passfile, `*:*:*:*:${database.password}\n`, { mode: 0o600 });

describedAnswers((flags) => startAdminService({ ...flags, store: `${database.url}?passfile=${passfile}` }));

// The grants before the first request, because requests delete grants, too.
let rows: readonly unknown[] | undefined;
beforeAll(async () => {
  rows = await database.sql('SELECT uid FROM linkgrant.grants');
});

it('the service of this file stores its grants in PostgreSQL', () => {
  expect(rows).toHaveLength(2);
});
