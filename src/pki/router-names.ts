import { X509Certificate } from 'node:crypto';

/**
 * The names that a router compares a host with: the DNS names of the first certificate of a PEM text, and its common
 * name. Addresses that stand there as addresses only are not among them, as routers do not look at those.
 */
export function routerNames(pem: string): string[] {
  const { subjectAltName, subject } = new X509Certificate(pem);
  const dnsNames = [...(subjectAltName ?? '').matchAll(/(?:^|, )DNS:([^,]+)/g)].map(
    ([, name]) => name as string,
  );
  const commonName = /^CN=(.+)$/m.exec(subject)?.[1];
  return [...new Set([...dnsNames, ...(commonName === undefined ? [] : [commonName])])];
}

/** True when `host` is one of `names` as TLS compares them (RFC 6125 §6.4: case folded, `*` for one whole label). */
export function namesHost(names: readonly string[], host: string): boolean {
  const wanted = host.toLowerCase();
  const [, parent] = /^[^.]+\.(.+)$/.exec(wanted) ?? [];
  return names.some((name) => {
    const own = name.toLowerCase();
    return own === wanted || (parent !== undefined && own === `*.${parent}`);
  });
}
