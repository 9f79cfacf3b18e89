import { randomBytes } from 'node:crypto';
import { openAcceptingSite } from '../../compose/open-accepting-site.js';
import { directoryMaterializer, streamMaterializer } from '../../compose/token-redemption.js';
import { commandContext } from '../../config/command-context.js';
import type { Settings } from '../../config/setting-schemas.js';
import { formatEndpoint } from '../../domain/host-port-text.js';
import { shell } from '../../domain/shell-words.js';
import { type GeneratedLink, generateLink } from '../../redemption/accepting/generate-link.js';
import type { GrantStore } from '../../redemption/ports/grant-store.js';
import type { Site } from '../../redemption/ports/site.js';
import { parseCount, requireResourceName, requireSubject } from '../flags/flag-values.js';
import { policyFromFlags } from '../grant/policy-values.js';
import { withCluster } from '../session/cluster-session.js';
import { configurationFrom, refuseEndpoint } from '../session/configuration.js';
import { withStore } from '../session/store-session.js';
import { CommandError, invalidValue, usageError } from '../terminal/command-error.js';
import { adviceFor } from '../terminal/exit-codes.js';
import { formatTime } from '../terminal/output.js';
import { deliver, OutputClosed, writeStderr } from '../terminal/write-out.js';

/** The flags of `link generate`. */
export interface LinkGenerateFlags {
  readonly to: string;
  readonly subject?: string;
  readonly linkCost?: string;
  readonly issuer?: string;
  readonly endpointRoles?: string;
  readonly [flag: string]: unknown;
}

/** `link generate`: creates a Link and Secret for one peer on the accepting side, records them, and writes them to `--to`. */
export async function linkGenerateCommand(
  requestedName: string | undefined,
  flags: LinkGenerateFlags,
): Promise<void> {
  const { to, subject: requestedSubject, linkCost, issuer, endpointRoles, ...settingFlags } = flags;
  if (to === '') throw invalidValue('--to', to, 'use the path of a directory, or - for standard output');
  const name = requestedName ?? `link-${randomBytes(4).toString('hex')}`;
  requireResourceName('the name of a link', name);
  const subject = requestedSubject ?? name;
  requireSubject(subject);
  const cost = parseCount('--cost', linkCost);
  const policy = policyFromFlags(endpointRoles === undefined ? {} : { endpointRoles });
  const { settings } = configurationFrom(settingFlags);
  const { clock } = commandContext();
  const materializer = to === '-' ? streamMaterializer(deliver) : directoryMaterializer(to, clock);
  await withSite(flags, settings, async ({ store, site, namespace }) => {
    // Before the link is recorded: its credential would be lost if the files could not be written.
    await materializer.probe(name);
    const request = { namespace, name, subject, issuer: issuer ?? null, cost, policy };
    const generated = await generateLink(request, { store, site, clock });
    if ('refused' in generated) {
      const { hint } = adviceFor(generated.refused);
      const [reason, advice] =
        'reason' in generated
          ? [generated.reason, generated.hint]
          : [`the site accepts no links now (${generated.refused})`, hint];
      throw new CommandError(`the link was not created: ${reason}`, { exitCode: 1, hint: advice });
    }
    let written: readonly string[];
    try {
      ({ written } = await materializer.materialize(generated.secret, generated.links, () => {}));
    } catch (error) {
      // An incompletely written credential must not be usable.
      const { id } = generated.redemption;
      await store.revokeRedemption(id, clock()).catch(() => {
        writeStderr(shell`warning: revoking the link failed; run \`linkgrant redemption revoke ${id}\`\n`);
      });
      throw error instanceof OutputClosed ? notDelivered(error) : error;
    }
    reportGeneratedLink(generated, written);
  });
}

interface SiteWithStore {
  readonly store: GrantStore;
  readonly site: Site;
  readonly namespace: string;
}

/** Runs `operation` on the site in a cluster, else on the site of the configured store, which is closed afterwards. */
async function withSite(
  flags: LinkGenerateFlags,
  settings: Settings,
  operation: (accepting: SiteWithStore) => Promise<void>,
): Promise<void> {
  if (settings.platform === 'kubernetes') {
    refuseEndpointFlags(flags, settings.platform);
    await withCluster(flags, settings, operation);
    return;
  }
  await withStore(settings, flags, async ({ store, service, namespace }) => {
    const platform = service?.platform ?? settings.platform;
    refuseEndpointFlags(flags, platform);
    const site = openAcceptingSite({ ...settings, platform }, service, commandContext().clock);
    if ('unavailable' in site) throw usageError(site.unavailable, site.hint);
    await operation({ store, site, namespace });
  });
}

/** Throws a CommandError for `--host` or `--endpoint` on a platform where the flag has no effect. */
function refuseEndpointFlags({ host, endpoint }: LinkGenerateFlags, platform: string): void {
  if (host !== undefined && (platform === 'standalone' || platform === 'kubernetes')) {
    throw usageError(
      '--host is for sites on podman, docker and linux',
      platform === 'standalone'
        ? 'set the address of the router with --endpoint inter-router=HOST:PORT'
        : 'add the name to spec.subjectAlternativeNames of the RouterAccess',
    );
  }
  refuseEndpoint(platform, endpoint);
}

function notDelivered(cause: OutputClosed): CommandError {
  return new CommandError('standard output was closed before the link was read, so it was revoked', {
    exitCode: 1,
    hint: 'check the command that reads standard output, or set --to to a directory',
    cause,
  });
}

function reportGeneratedLink({ redemption, links }: GeneratedLink, written: readonly string[]): void {
  const endpoints = links.flatMap((link) => link.endpoints);
  writeStderr(
    [
      ...written.map((path) => `Written ${path}\n`),
      `Links to ${endpoints.map(formatEndpoint).join(', ')}\n`,
      `The certificate of "${redemption.subject}" is valid until ${formatTime(redemption.notAfter)}; nothing renews it.\n`,
      'It contains the only copy of a private key. Use it for one site, and generate another link for the next site.\n',
    ].join(''),
  );
}
