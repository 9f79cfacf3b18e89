import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { beforeEach } from 'vitest';
import {
  ENDPOINT,
  type Ended,
  expectSuccess,
  json,
  linkgrant,
  type Serving,
  Workplace,
} from '../../support/command-line.js';
import { releaseAfterTest } from '../../support/release.js';
import { copySite, type SystemSiteCopy } from '../../support/sites/system-site.js';

/** The uid of the site "east". */
export const EAST_UID = '2c24a82c-d6ac-475d-88f5-063ecf88a441';

/** The environment of a command that finds `skupper` in this directory. */
export const withSkupper = (path: string) => ({ PATH: `${path}:/usr/bin:/bin` });

/** Replaces the first match of `pattern` in a file. */
export function edit(file: string, pattern: RegExp, replacement: string): void {
  writeFileSync(file, readFileSync(file, 'utf8').replace(pattern, replacement));
}

/** The certificate in a Secret. */
export const certificateOf = (secret: { data: Record<string, string> }) =>
  new X509Certificate(Buffer.from(secret.data['tls.crt'] as string, 'base64'));

/** A service, and the system site "east" that redeems its tokens, which are new for each test of a file. */
export class SystemRedeemPlace {
  work = {} as Workplace;
  service = {} as Serving;
  east = {} as SystemSiteCopy;

  constructor() {
    beforeEach(async () => {
      this.work = releaseAfterTest(new Workplace());
      this.east = copySite('east', this.work.path('skupper'));
      this.service = await this.work.serve(['--data-dir', this.work.path('accepting'), ...ENDPOINT]);
    });
  }

  /** Issues a token into a file. Returns the file. */
  async issue(file: string, ...words: readonly string[]): Promise<string> {
    const place = ['--data-dir', this.work.path('accepting')];
    expectSuccess(await linkgrant(['token', 'issue', file, ...place, ...words]));
    return file;
  }

  siteFlags(platform = 'linux', namespace = 'east'): string[] {
    return [
      ...['--platform', platform, '--namespace', namespace, '--skupper-home', this.east.home],
      ...['--data-dir', this.work.path('requesting')],
    ];
  }

  redeem(words: readonly string[], env: Record<string, string> = {}, run = linkgrant): Promise<Ended> {
    return run(['token', 'redeem', ...words, ...this.siteFlags()], { env: { PATH: '/nowhere', ...env } });
  }

  /** The redemptions that the service lists. */
  async redemptions(): Promise<{ subject: string; serial: string }[]> {
    const place = ['--data-dir', this.work.path('accepting')];
    return json(await linkgrant(['redemption', 'list', '-o', 'json', ...place]));
  }
}
