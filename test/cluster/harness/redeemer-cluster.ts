import { isDeepStrictEqual } from 'node:util';
import { ACCESS_TOKENS } from '../../../src/platforms/kubernetes/api/kinds.js';
import type { TestServer } from '../../support/servers/hostile-server.js';
import { type IssuingServer, startIssuingServer } from '../../support/servers/issuing-server.js';
import { type ApiProxy, startApiProxy } from './api-proxy.js';
import { deleteAll } from './empty-cluster.js';
import { type LinkgrantAccount, shippedAccount } from './linkgrant-account.js';
import { endLead, REDEEMER, type Redeemer, type RedeemerOptions, startRedeemer } from './redeemer.js';
import { type ClusterNeeds, openTestCluster, type TestCluster } from './test-cluster.js';
import { type TokenNamespace, tokenNamespace } from './token-namespace.js';

/** An API server with the account and the roles of the shipped redeemer, and what a test starts beside it. */
export class RedeemerCluster {
  readonly cluster: TestCluster;
  readonly #account: LinkgrantAccount;
  readonly #servers: TestServer[] = [];
  readonly #redeemers: Redeemer[] = [];
  readonly #proxies: ApiProxy[] = [];
  #shared: { readonly options: RedeemerOptions; readonly redeemer: Redeemer } | undefined;

  private constructor(cluster: TestCluster, account: LinkgrantAccount) {
    this.cluster = cluster;
    this.#account = account;
  }

  static async open(needs?: ClusterNeeds): Promise<RedeemerCluster> {
    const cluster = await openTestCluster(needs);
    return new RedeemerCluster(cluster, await shippedAccount(cluster, 'redeemer', REDEEMER));
  }

  /** The redeemer that tests share. It runs until a test needs other options or one of its own. */
  async redeemer(options: RedeemerOptions = {}): Promise<Redeemer> {
    if (!isDeepStrictEqual(this.#shared?.options, options)) {
      await this.stopShared();
      this.#shared = { options, redeemer: await startRedeemer(this.#account.kubeconfig, options) };
    }
    return (this.#shared as { readonly redeemer: Redeemer }).redeemer;
  }

  /** Kills the redeemer that tests share, so that another one leads at once. */
  async stopShared(): Promise<void> {
    if (this.#shared === undefined) return;
    await this.#shared.redeemer.stop();
    this.#shared = undefined;
    await this.endLead();
  }

  /** Starts the built redeemer with the shipped service account, for one test. Kills the shared redeemer first. */
  async run({
    kubeconfig = this.#account.kubeconfig,
    ...options
  }: RedeemerOptions & { readonly kubeconfig?: string } = {}): Promise<Redeemer> {
    await this.stopShared();
    const redeemer = await startRedeemer(kubeconfig, options);
    this.#redeemers.push(redeemer);
    return redeemer;
  }

  /** Starts a redemption service, which is closed after the test. */
  async issuing(...server: Parameters<typeof startIssuingServer>): Promise<IssuingServer> {
    return this.keep(await startIssuingServer(...server));
  }

  /** Closes a server after the test. */
  keep<T extends TestServer>(server: T): T {
    this.#servers.push(server);
    return server;
  }

  /** A namespace whose tokens are redeemed. */
  namespace(options?: Parameters<typeof tokenNamespace>[1]): Promise<TokenNamespace> {
    return tokenNamespace(this.cluster, options);
  }

  /** Starts a proxy between the redeemer's account and the API server, which is closed after the test. */
  async proxy(): Promise<ApiProxy> {
    const proxy = await startApiProxy(this.#account.kubeconfig);
    this.#proxies.push(proxy);
    return proxy;
  }

  /** Waits until a new token in another namespace is redeemed. Earlier tokens have then been processed, or wait for a retry. */
  async nextToken(): Promise<void> {
    const place = await this.namespace();
    await place.put((await this.issuing('linkgrant')).token);
    await place.waitForStatus('Ready');
  }

  /** Deletes the Lease of a killed redeemer. */
  endLead(): Promise<void> {
    return endLead(this.cluster);
  }

  /** Ends what a test started, except the shared redeemer, and removes its tokens. */
  async endTest(): Promise<void> {
    await Promise.all(this.#redeemers.splice(0).map((redeemer) => redeemer.stop()));
    if (this.#shared === undefined) await this.endLead();
    await deleteAll(this.cluster.admin, ACCESS_TOKENS);
    await Promise.all(this.#proxies.splice(0).map((proxy) => proxy.close()));
    await Promise.all(this.#servers.splice(0).map((server) => server.close()));
  }

  async close(): Promise<void> {
    await this.#shared?.redeemer.stop();
    await this.cluster.close();
  }
}
