import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import type { AdminAppDependencies, CountFailure } from '../admin/api/admin-app.js';
import {
  type Authenticate,
  type BearerKeys,
  type BearerRules,
  bearerAuthentication,
} from '../admin/api/bearer.js';
import { consoleAuthentication } from '../admin/console/console-access.js';
import { createConsoleRouter } from '../admin/console/console-router.js';
import { OidcAccess } from '../admin/console/oidc-access.js';
import { OidcClient } from '../admin/oidc-client.js';
import type { OidcProvider } from '../admin/oidc-provider.js';
import type { Settings } from '../config/setting-schemas.js';
import { version } from '../config/version.js';
import { readBoundedText } from '../files/bounded-text.js';
import type { Clock } from '../redemption/ports/clock.js';
import { consoleFiles } from './console-files.js';
import { openCodeKeys } from './open-code-keys.js';

/** Parts of the admin API that its console uses too. */
export interface TeamConsoleParts {
  /** The console's pages by path; undefined for those in dist/console. */
  readonly files: ReadonlyMap<string, Buffer> | undefined;
  readonly rules: BearerRules;
  readonly keys: BearerKeys;
  readonly byBearer: Authenticate;
  readonly provider: OidcProvider;
  readonly countFailure: CountFailure;
  peerOf(request: IncomingMessage): string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Creates the console of the admin API, to which users sign in by OpenID Connect; undefined if it is off. */
export function createTeamConsole(
  settings: Settings,
  parts: TeamConsoleParts,
): Pick<AdminAppDependencies, 'console' | 'authenticate'> | undefined {
  const { console, consoleClient: clientId, consoleSecretFile: secretFile, dataDir } = settings;
  if (console === undefined || clientId === undefined) return undefined;
  const { files = consoleFiles(), rules, keys, byBearer, clock } = parts;
  const readSecret = secretFile === undefined ? undefined : () => readBoundedText(secretFile).trim();
  // A missing file is reported at the start.
  readSecret?.();
  const { origin } = console;
  const access = new OidcAccess({
    ...parts,
    origin,
    issuer: rules.issuer,
    sessionMs: settings.consoleSession,
    codeKeys: openCodeKeys(dataDir, clock),
    configuration: JSON.stringify([rules, clientId]),
    client: new OidcClient({
      provider: parts.provider,
      clientId,
      readSecret,
      clockToleranceMs: rules.clockToleranceMs,
      scopes: settings.consoleScope,
    }),
    verifyIdToken: bearerAuthentication({ ...rules, audience: clientId }, keys, clock),
  });
  return {
    console: createConsoleRouter({ access, files, where: `service ${console.host}`, version: version() }),
    authenticate: consoleAuthentication(access, byBearer),
  };
}
