import { flagOf, type SettingKey } from '../../config/settings.js';
import { configurationFrom } from '../session/configuration.js';
import { print, table } from '../terminal/output.js';
import type { OutputFormat } from '../terminal/output-format.js';

/** `config check`: prints the effective configuration and the source of each value. */
export async function configCheckCommand(flags: {
  readonly output?: OutputFormat;
  readonly [flag: string]: unknown;
}): Promise<void> {
  const { output, ...settingFlags } = flags;
  const { maskedValues, sources } = configurationFrom(settingFlags);
  const rows = (Object.keys(sources) as SettingKey[]).map((key) => ({
    key,
    value: maskedValues[key] ?? null,
    source: sources[key],
  }));
  await print(output, rows, () =>
    table(
      ['FLAG', 'VALUE', 'FROM'],
      rows.map(({ key, value, source }) => [
        flagOf(key),
        value === null ? '-' : Array.isArray(value) ? value.join(', ') : String(value),
        source,
      ]),
    ),
  );
}
