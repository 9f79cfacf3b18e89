// Posts the code of every AccessToken in the YAML files of a directory, as Skupper's start and reload do each time.
//   node stock-redeemer.mjs DIRECTORY
import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';

const [, , directory] = process.argv;
const tokens = readdirSync(directory)
  .filter((name) => /\.ya?ml$/.test(name))
  .flatMap((name) => parseAllDocuments(readFileSync(join(directory, name), 'utf8')))
  .map((document) => document.toJS())
  .filter((resource) => resource?.kind === 'AccessToken');

for (const { metadata, spec } of tokens) {
  const status = await new Promise((resolve, reject) => {
    const headers = { name: metadata.name, subject: 'skupper' };
    const posting = request(spec.url, { method: 'POST', ca: spec.ca, headers }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    });
    posting.on('error', reject).end(spec.code);
  });
  if (status !== 200) process.exitCode = 1;
}
