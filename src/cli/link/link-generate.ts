import { randomBytes } from 'node:crypto';
import { generatedLinkMaterializer, openAcceptingSite } from '../../compose/links.js';
import type { Settings } from '../../config/setting-schemas.js';
import { formatEndpoint } from '../../domain/host-port-text.js';
import { type GeneratedLink, generateLink } from '../../redemption/accepting/generate-link.js';
import type { Clock } from '../../redemption/ports/clock.js';
import type { GrantStore } from '../../redemption/ports/grant-store.js';
import type { Site } from '../../redemption/ports/site.js';
import { withCluster } from '../terminal/cluster-session.js';
import { CommandError } from '../terminal/command-error.js';
import { anyConfigurationFrom } from '../terminal/configuration.js';
import { adviceFor } from '../terminal/exit-codes.js';
import { parseCount, requireResourceName, requireSubject } from '../terminal/flag-values.js';
import { formatTime } from '../terminal/output.js';
import { requirePlatform, withStoreOf } from '../terminal/store-session.js';
import { OutputClosed, writeOut, writeStderr } from '../terminal/write-out.js';

export interface LinkGenerateFlags {
  readonly to: string;
  readonly subject?: string;
  readonly linkCost?: string;
  readonly issuer?: string;
  readonly [flag: string]: unknown;
}

/** `link generate`: creates a Link and Secret for one peer on the accepting side, records them, and writes them to `--to`. */
export async function generateCommand(
  given: string | undefined,
  flags: LinkGenerateFlags,
  { clock }: { readonly clock: Clock },
): Promise<void> {
  const { to, subject: wanted, linkCost, issuer, ...settingFlags } = flags;
  const name = given ?? `link-${randomBytes(4).toString('hex')}`;
  requireResourceName('the name of a link', name);
  const subject = wanted ?? name;
  requireSubject(subject);
  const cost = parseCount('--cost', linkCost);
  const { settings } = anyConfigurationFrom(settingFlags);
  const target = to === '-' ? { write: writeOut } : { directory: to };
  const materializer = generatedLinkMaterializer(target, clock);
  await withSite(flags, settings, clock, async ({ store, site, namespace }) => {
    // Before anything is recorded: a credential that cannot be written would be lost.
    await materializer.probe(name);
    const request = { namespace, name, subject, issuer: issuer ?? null, cost };
    const made = await generateLink(request, { store, site, clock });
    if ('refused' in made) {
      const { hint } = adviceFor(made.refused);
      const [reason, advice] =
        'reason' in made
          ? [made.reason, made.hint]
          : [`the site accepts no links now (${made.refused})`, hint];
      throw new CommandError(`no link was made: ${reason}`, { exitCode: 1, hint: advice });
    }
    let written: readonly string[];
    try {
      written = await materializer.materialize(made.secret, made.links, () => {});
    } catch (error) {
      // A credential that was not delivered completely must not be usable.
      const { id } = made.redemption;
      await store.revokeRedemption(id, clock()).catch(() => {
        writeStderr(`warning: it could not be revoked; \`linkgrant redemption revoke ${id}\` does so\n`);
      });
      throw error instanceof OutputClosed ? unread(error) : error;
    }
    report(made, written);
  });
}

/** The site that accepts the link, and the store that records it. */
interface AcceptingPlace {
  readonly store: GrantStore;
  readonly site: Site;
  readonly namespace: string;
}

/** Runs `operation` on the site in a cluster, else on that of the configured store, which is closed afterwards. */
async function withSite(
  flags: LinkGenerateFlags,
  settings: Settings,
  clock: Clock,
  operation: (place: AcceptingPlace) => Promise<void>,
): Promise<void> {
  if (settings.platform === 'kubernetes') {
    refuseOtherPlatforms(flags, settings.platform);
    await withCluster(flags, settings, operation);
    return;
  }
  await withStoreOf(settings, async ({ store, service, namespace }) => {
    requirePlatform(flags.platform, service?.platform);
    const platform = service?.platform ?? settings.platform;
    refuseOtherPlatforms(flags, platform);
    const site = openAcceptingSite({ ...settings, platform }, service, clock);
    if ('unavailable' in site) throw new CommandError(site.unavailable, { exitCode: 2, hint: site.hint });
    await operation({ store, site, namespace });
  });
}

/** Refuses flags for the endpoint of a router that do not apply to the platform. */
function refuseOtherPlatforms({ host, endpoint }: LinkGenerateFlags, platform: string): void {
  if (platform === 'standalone' && host !== undefined) {
    throw new CommandError('--host is for sites on podman, docker and linux', {
      exitCode: 2,
      hint: 'name where the router is reached with --endpoint inter-router=HOST:PORT',
    });
  }
  if (platform === 'kubernetes' && host !== undefined) {
    throw new CommandError('--host is for sites on podman, docker and linux', {
      exitCode: 2,
      hint: 'put the name under spec.subjectAlternativeNames of the RouterAccess',
    });
  }
  if (platform !== 'standalone' && endpoint !== undefined) {
    throw new CommandError(
      `--endpoint is for sites without a platform; on ${platform} they come from the site`,
      {
        exitCode: 2,
        hint: "name the host that its router's certificate is for with --host",
      },
    );
  }
}

function unread(cause: OutputClosed): CommandError {
  return new CommandError('standard output was closed before the link was read, so it was revoked', {
    exitCode: 1,
    hint: 'let what reads standard output read to its end, or name a directory with --to',
    cause,
  });
}

function report({ redemption, links }: GeneratedLink, written: readonly string[]): void {
  const endpoints = links.flatMap((link) => link.endpoints);
  writeStderr(
    [
      ...written.map((path) => `Written ${path}\n`),
      `Links to ${endpoints.map(formatEndpoint).join(', ')}\n`,
      `The certificate of "${redemption.subject}" is valid until ${formatTime(redemption.notAfter)}; nothing renews it.\n`,
      'It holds a private key, which is kept nowhere else; hand it to one site alone, and make another for the next.\n',
    ].join(''),
  );
}
