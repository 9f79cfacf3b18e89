import { createLinkDialer } from '../../compose/open-links.js';
import { openIssuer, readCa, SERVER_CA, SITE_CA } from '../../compose/site-issuer.js';
import { openSystemSite, systemOf } from '../../compose/system-sites.js';
import { commandContext } from '../../config/command-context.js';
import type { Redemption } from '../../domain/redemption.js';
import { describeCertificate, splitCertificates } from '../../pki/certificate-info.js';
import type { CutIssuer } from '../../redemption/issuers/cut-link.js';
import { probeRouter } from '../../redemption/issuers/probe-router.js';
import type { CommandConnectionOptions } from '../flags/connection-flags.js';
import { type IssuerSession, platformOf } from '../issuer/issuer-session.js';
import { CommandError, usageError } from '../terminal/command-error.js';

/** An issuer whose CA is replaced to cut a link off. */
export interface NamedCutIssuer extends CutIssuer {
  readonly name: string;
}

/**
 * Returns the issuer whose CA has to be replaced: on a system site that of Skupper, else the first issuer of linkgrant with a CA
 * of `signers`, else the external one. Undefined if linkgrant has already removed the CA.
 */
export function cutIssuerOf(
  redemption: Redemption,
  signers: readonly string[],
  session: IssuerSession,
  connection: CommandConnectionOptions,
): NamedCutIssuer | undefined {
  const { issuers, settings } = session;
  if (platformOf(session) !== 'standalone') return systemIssuer(redemption, session);
  // An external CA (--issuer-cert) replaces the site CA of the data directory.
  const unused = settings.issuerCert === undefined ? [SERVER_CA] : [SERVER_CA, SITE_CA];
  const owned = issuers.names().filter((name) => !unused.includes(name));
  const named = owned.find((name) => issuers.list(name).some(({ sha256 }) => signers.includes(sha256)));
  if (named !== undefined) return ownIssuer(named, session, connection);
  if (redemption.issuer !== null) return undefined;
  if (settings.issuerCert !== undefined) return externalIssuer(session);
  refuseUnknownCa(session);
  return undefined;
}

/** Throws a CommandError if the service signs with an external CA that the flags of this command do not name. */
function refuseUnknownCa({ issuers, service }: IssuerSession): void {
  const owned = issuers.names().includes(SITE_CA) ? issuers.list(SITE_CA) : [];
  if (!service || owned.some(({ subject }) => subject === service.issuer)) return;
  throw usageError(
    `links are signed by the external CA "${service.issuer}" of the service (--issuer-cert)`,
    'set --issuer-cert and --issuer-key for this command too',
  );
}

function ownIssuer(
  name: string,
  session: IssuerSession,
  connection: CommandConnectionOptions,
): NamedCutIssuer {
  const { issuers, settings, service } = session;
  const { clock } = connection;
  return {
    name,
    async readState() {
      const cas = issuers.list(name);
      const signing = cas.find(({ state }) => state === 'active')?.sha256 ?? '';
      return { signing, trusted: cas.map(({ sha256 }) => sha256) };
    },
    own: {
      prepare: () => issuers.prepare(name),
      activate: () => issuers.activate(name),
      async retire(sha256) {
        if (await issuers.retire(name, sha256)) return;
        if (!issuers.list(name).some((ca) => ca.sha256 === sha256)) return;
        throw new CommandError(`a CA of "${name}" still signs and cannot be removed`, {
          exitCode: 1,
          hint: 'list the CAs with `linkgrant issuer list`',
        });
      },
      replacedAt: (sha256) => issuers.list(name).find((ca) => ca.sha256 === sha256)?.replacedAt ?? 0,
      async probeRouters(sha256) {
        const now = clock();
        const cas = issuers.list(name);
        const old = cas.find((ca) => ca.sha256 === sha256);
        const signing = cas.find(({ state }) => state === 'active');
        if (!old || !signing) return [];
        const dial = createLinkDialer(connection);
        const endpoints = settings.endpoint ?? service?.endpoints ?? [];
        return Promise.all(
          endpoints.map(({ host, port }) =>
            probeRouter(
              { host, port: Number(port) },
              { oldCa: () => readCa(old, now), newCa: () => readCa(signing, now) },
              { dial, clock },
            ),
          ),
        );
      },
    },
  };
}

function externalIssuer({ settings }: IssuerSession): NamedCutIssuer {
  return {
    name: SITE_CA,
    async readState() {
      const now = commandContext().clock();
      const found = (await openIssuer(settings, now)).find(now);
      if (typeof found !== 'string') return { signing: found.sha256, trusted: fingerprints(found.trustPem) };
      throw new CommandError(found, {
        exitCode: 4,
        hint: 'correct the files of --issuer-cert and --issuer-key',
      });
    },
  };
}

function systemIssuer(
  { namespace, issuer, policy }: Redemption,
  { settings, service }: IssuerSession,
): NamedCutIssuer {
  const site = openSystemSite(service?.system ?? systemOf(settings), commandContext().clock);
  return {
    name: issuer ?? SITE_CA,
    async readState() {
      const access = await site.resolveAccess({ namespace, name: namespace, issuer, policy });
      if (!('refused' in access))
        return { signing: access.issuer.sha256, trusted: fingerprints(access.caCrt) };
      throw new CommandError(`namespace ${namespace} issues no links now: ${access.reason}`, {
        exitCode: 4,
        hint: access.hint,
      });
    },
  };
}

function fingerprints(pem: string): string[] {
  return splitCertificates(pem).map((one) => describeCertificate(one).sha256);
}
