import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Ended } from '../../support/command-line.js';
import { MAIN } from '../../support/programs.js';
import { buildPrograms, type GoPrograms, programsDirectory } from './go-programs.js';
import { CHART, type Manifest, manifestsIn, type OverlayName, overlay } from './manifests.js';

const TOOLS: GoPrograms = {
  module: resolve(import.meta.dirname, '../tools'),
  name: 'tools',
  packages: { kubectl: './kubectl', helm: 'helm.sh/helm/v3/cmd/helm' },
  linking: '-s -w',
};

/** The value that the chart requires. */
export const IMAGE = ['--set', 'image.repository=linkgrant'];

/** kubectl and helm: the installed programs, else compiled ones. `open` rejects if Go is needed and not installed. */
export class DeployTools {
  readonly #programs: Readonly<Record<'kubectl' | 'helm', string>>;
  /**
   * For files, and kubectl's discovery cache for these tests. The default cache may contain the API of an earlier server on the
   * same port.
   */
  readonly #directory = mkdtempSync(join(tmpdir(), 'linkgrant-kubectl-'));

  private constructor(programs: Readonly<Record<'kubectl' | 'helm', string>>) {
    this.#programs = programs;
  }

  static async open(): Promise<DeployTools> {
    return new DeployTools({ kubectl: await find('kubectl'), helm: await find('helm') });
  }

  close(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Runs kubectl. Returns its standard output; rejects with its output if it fails. */
  kubectl(args: readonly string[], input?: string): Promise<string> {
    return this.#succeed('kubectl', args, input);
  }

  /** Runs helm. Returns its standard output; rejects with its output if it fails. */
  helm(args: readonly string[]): Promise<string> {
    return this.#succeed('helm', args);
  }

  /** The manifests of an overlay, as `kubectl kustomize` prints them. */
  async kustomize(name: OverlayName): Promise<Manifest[]> {
    return manifestsIn(await this.kubectl(['kustomize', overlay(name)]));
  }

  /** The resource version of each namespaced resource of linkgrant in a cluster, one in each line. */
  resourceVersions(kubeconfig: string): Promise<string> {
    return this.kubectl([
      ...['--kubeconfig', kubeconfig, 'get', 'all,roles,rolebindings,networkpolicies,pdb,sa', '-A'],
      ...['-l', 'app.kubernetes.io/name=linkgrant', '-o'],
      'jsonpath={range .items[*]}{.kind}{.metadata.name}{.metadata.resourceVersion}{"\\n"}{end}',
    ]);
  }

  /** Returns the arguments that pass these values to helm, until the next call. */
  values(values: object): string[] {
    const file = join(this.#directory, 'values.json');
    writeFileSync(file, JSON.stringify(values));
    return ['--values', file];
  }

  /** The manifests of the chart, as `helm template` prints them. */
  template(release: string, namespace: string, values: readonly string[]): Promise<string> {
    // A helm that is compiled without its linker flags assumes Kubernetes 1.20.
    const version = ['--kube-version', '1.30.0'];
    return this.helm(['template', release, CHART, '--namespace', namespace, ...version, ...IMAGE, ...values]);
  }

  /**
   * Runs shell commands, which can call kubectl and the built linkgrant. Returns their standard output. Stops at the first
   * command that fails, and rejects with the error output.
   */
  async shell(
    lines: readonly string[],
    options: { readonly kubeconfig: string; readonly cwd: string },
  ): Promise<string> {
    const { kubeconfig, cwd } = options;
    const own = join(this.#directory, 'linkgrant');
    writeFileSync(own, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`, { mode: 0o755 });
    const PATH = [this.#directory, dirname(this.#programs.kubectl), process.env.PATH ?? ''].join(':');
    const env = { ...process.env, PATH, KUBECONFIG: kubeconfig, KUBECACHEDIR: this.#directory };
    const { stdout } = await promisify(execFile)('sh', ['-e', '-c', lines.join('\n')], { cwd, env });
    return stdout;
  }

  /** Runs a program to its end, however it ends. */
  run(program: 'kubectl' | 'helm', args: readonly string[], input = ''): Promise<Ended> {
    return new Promise((settle) => {
      const env = { ...process.env, KUBECACHEDIR: this.#directory };
      const options = { maxBuffer: 64 * 1024 * 1024, env };
      const child = execFile(this.#programs[program], args, options, (error, stdout, stderr) => {
        const code = error === null ? 0 : Number(error.code ?? 1);
        settle({ code, stdout, stderr });
      });
      child.stdin?.end(input);
    });
  }

  async #succeed(program: 'kubectl' | 'helm', args: readonly string[], input?: string): Promise<string> {
    const { code, stdout, stderr } = await this.run(program, args, input);
    if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}\n${stderr}${stdout}`);
    return stdout;
  }
}

async function find(program: 'kubectl' | 'helm'): Promise<string> {
  const installed = spawnSync(program, ['version', '--client'], { stdio: 'ignore' });
  if (installed.status === 0) return program;
  const directory = programsDirectory(TOOLS, process.env);
  if (directory === undefined) {
    throw new Error(`the tests need ${program}: install it, or Go to compile it`);
  }
  await buildPrograms(TOOLS, directory);
  return join(directory, program);
}
