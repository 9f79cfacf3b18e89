// A process that parses YAML bombs and prints, as JSON, what each cost: `cpuMs` of the process, `grownMiB` by which its
// peak of resident memory grew, and `reason` of the refusal. Built code is imported, because plain Node runs this.
import { parseYamlMappings } from '../../dist/files/yaml-documents.js';
import { yamlBomb } from '../support/yaml-bombs.mjs';

const { names, length, documents } = JSON.parse(process.argv[2]);

function refusalOf(text) {
  try {
    parseYamlMappings(text, { length, documents });
    return undefined;
  } catch (error) {
    return error.message;
  }
}

const peakMiB = () => process.resourceUsage().maxRSS / 1024;

const costs = names.map((name) => {
  const text = yamlBomb(name, length);
  const peak = peakMiB();
  const started = process.cpuUsage();
  const reason = refusalOf(text);
  const { user, system } = process.cpuUsage(started);
  return { name, reason, cpuMs: (user + system) / 1000, grownMiB: peakMiB() - peak };
});
process.stdout.write(JSON.stringify(costs));
