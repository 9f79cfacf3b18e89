import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import { parse } from 'yaml';
import {
  type Ended,
  expectSuccess,
  json,
  linkgrant,
  type RunOptions,
  type Serving,
  Workplace,
} from '../../support/command-line.js';
import { freePort } from '../../support/free-port.js';
import { type RouterListener, startRouterListener } from '../../support/links/router-listener.js';
import { releaseAfterTest } from '../../support/release.js';
import { WEST_SITE_FLAGS } from '../../support/sites/system-site.js';

/** The flags of the Linux site in namespace "east". */
export const siteFlags = (home: string) => [
  ...['--platform', 'linux', '--namespace', 'east', '--skupper-home', home],
];

/** The serial number of the certificate of link "west" in a directory. */
export function serialIn(directory: string): string {
  const secret = parse(readFileSync(join(directory, 'Secret-west.yaml'), 'utf8'));
  return new X509Certificate(Buffer.from(secret.data['tls.crt'], 'base64')).serialNumber.toLowerCase();
}

/** A directory, a listening router and a port for a service, which are new for each test of a file. */
export class BootstrapPlace {
  #work = {} as Workplace;
  #router = {} as RouterListener;
  #port = 0;

  constructor() {
    beforeEach(async () => {
      this.#work = releaseAfterTest(new Workplace());
      this.#router = await startRouterListener();
      // A known port: some tests start the service after `bootstrap`.
      this.#port = await freePort();
    });
    afterEach(() => this.#router.close());
  }

  get directory(): string {
    return this.#work.directory;
  }

  /** The port at which the service listens when it runs. */
  get port(): number {
    return this.#port;
  }

  get router(): RouterListener {
    return this.#router;
  }

  path(...names: readonly string[]): string {
    return this.#work.path(...names);
  }

  /** Starts a router after the test has closed the first one. */
  async restartRouter(port?: number): Promise<void> {
    this.#router = await startRouterListener(port);
  }

  serviceWords(): string[] {
    const listen = ['--listen', `127.0.0.1:${this.port}`];
    return ['--data-dir', this.path('accepting'), ...listen, ...WEST_SITE_FLAGS];
  }

  serve(): Promise<Serving> {
    return this.#work.serve(this.serviceWords());
  }

  /** Runs a command on the accepting site. */
  accepting(...words: readonly string[]): Promise<Ended> {
    return linkgrant([...words, '--data-dir', this.path('accepting')]);
  }

  /** Issues a token, by default "west", into a file. Returns the file. */
  async issue(file: string, ...words: readonly string[]): Promise<string> {
    const named = words.includes('--name') ? [] : ['--name', 'west'];
    expectSuccess(await this.accepting('token', 'issue', file, ...named, ...words));
    return file;
  }

  async redemptions(): Promise<{ id: string; serial: string }[]> {
    return json(await this.accepting('redemption', 'list', '-o', 'json'));
  }

  /** The arguments of a `bootstrap` that dials the test's router. */
  bootstrapWords(words: readonly string[]): string[] {
    return [
      ...['bootstrap', '--data-dir', this.path('requesting')],
      ...['--connect-to', `vm:55671:127.0.0.1:${this.router.port}`, ...words],
    ];
  }

  /** Runs `bootstrap` with the route to the test's router. */
  bootstrap(
    words: readonly string[],
    { env = {}, ...options }: RunOptions = {},
    run = linkgrant,
  ): Promise<Ended> {
    return run(this.bootstrapWords(words), { ...options, env: { PATH: '/nowhere', ...env } });
  }

  /** Runs a `bootstrap` that ends at its deadline, with exit code 4. Returns its standard error. */
  async stderrAtDeadline(...words: readonly string[]): Promise<string> {
    const ended = await this.bootstrap(words);
    expect(ended.code, ended.stderr).toBe(4);
    return ended.stderr;
  }

  /** Writes the Secret of a proxy. Returns its file. */
  writeProxySecret(port: number): string {
    const stringData = { host: '127.0.0.1', port: String(port) };
    const secret = { kind: 'Secret', metadata: { name: 'egress' }, stringData };
    writeFileSync(this.path('proxy.json'), JSON.stringify(secret));
    return this.path('proxy.json');
  }

  toLinks(): string[] {
    return ['--to', this.path('links')];
  }
}
