import { beforeEach } from 'vitest';
import type { GrantPolicy } from '../../../src/domain/policy.js';
import { SystemSite } from '../../../src/platforms/system/system-site.js';
import { directoryForTest } from '../../support/release.js';
import { SITE_TIME } from '../../support/sites/kubernetes-site.js';
import { copySite, type SystemSiteCopy } from '../../support/sites/system-site.js';

/** A grant for which access to a site is requested, and the flags and the clock of the service. */
interface AccessRequest {
  readonly namespace?: string;
  readonly hosts?: readonly string[];
  readonly issuer?: string;
  readonly only?: string;
  readonly now?: number;
  readonly policy?: GrantPolicy;
}

/** The system sites "west", which accepts links, and "east". They are new for each test of a file. */
export class SystemAccess {
  home = '';
  west = {} as SystemSiteCopy;

  constructor() {
    beforeEach(() => {
      this.home = directoryForTest();
      this.west = copySite('west', this.home);
      copySite('east', this.home);
    });
  }

  #resolve({ namespace = 'west', hosts = ['vm'], issuer, only, now = SITE_TIME, policy }: AccessRequest) {
    const place = { skupperHome: this.home, hosts, namespace: only, platform: 'linux' };
    const site = new SystemSite(place, () => now);
    const grant = { namespace, name: 'a-grant', issuer: issuer ?? null };
    return site.resolveAccess({ ...grant, ...(policy && { policy }) });
  }

  /** Access that the site must permit. */
  async access(request: AccessRequest = {}) {
    const found = await this.#resolve(request);
    if ('refused' in found) throw new Error(found.reason);
    return found;
  }

  /** The refusal of access that the site must not permit. */
  async refusal(request: AccessRequest = {}) {
    const found = await this.#resolve(request);
    if (!('refused' in found)) throw new Error('access was not refused');
    return found;
  }

  siteCa(): string {
    return this.west.read('runtime/issuers/skupper-site-ca/tls.crt');
  }
}
