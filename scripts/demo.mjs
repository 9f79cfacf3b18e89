// Starts a service, issues a token, redeems it in another process, and uses the certificate of the link in a mutual TLS 1.3
// handshake.
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'linkgrant-demo-'));
const ACCEPTING = join(directory, 'accepting');
const REQUESTING = join(directory, 'requesting');
const ROUTER_HOST = 'localhost';

/** Prints a command line, runs it, and returns its output. */
async function linkgrant(...words) {
  console.log(`\n$ linkgrant ${words.join(' ')}`);
  const child = spawn(process.execPath, [MAIN, ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
    process.stdout.write(text);
  });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`linkgrant ${words[0]} ${words[1]} ended with ${code}`);
  return output;
}

/** Starts the service. Resolves when it has printed the next step. */
async function serve(...words) {
  console.log(`$ linkgrant serve ${words.join(' ')} &`);
  const child = spawn(process.execPath, [MAIN, 'serve', ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout.setEncoding('utf8');
  for await (const text of child.stdout) {
    process.stdout.write(text);
    if (text.includes('Next:')) return child;
  }
  throw new Error('the service did not start');
}

/** The objects in the YAML files of a directory, sorted by file name. */
function objectsIn(links) {
  return readdirSync(links)
    .sort()
    .map((file) => parse(readFileSync(join(links, file), 'utf8')));
}

/** Starts a server instead of a router. It accepts each client whose certificate the site CA has signed. */
async function routerWith(certificates) {
  const [key, cert, ca] = ['tls.key', 'tls.crt', 'ca.crt'].map((file) =>
    readFileSync(join(certificates, file)),
  );
  const server = createServer({
    key,
    cert,
    ca,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
  });
  server.on('secureConnection', (socket) => socket.end(`welcome ${socket.getPeerCertificate().subject.CN}`));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function handshake(port, { data }) {
  const [key, cert, ca] = ['tls.key', 'tls.crt', 'ca.crt'].map((name) => Buffer.from(data[name], 'base64'));
  const socket = connect({ host: '127.0.0.1', port, servername: ROUTER_HOST, key, cert, ca });
  await once(socket, 'secureConnect');
  const protocol = socket.getProtocol();
  let greeting = '';
  for await (const text of socket.setEncoding('utf8')) greeting += text;
  return { protocol, greeting };
}

const token = join(directory, 'token.yaml');
const links = join(directory, 'links');
const certificates = join(directory, 'router');
let service;
try {
  const endpoint = `inter-router=${ROUTER_HOST}:55671`;
  service = await serve(
    '--data-dir',
    ACCEPTING,
    '--listen',
    '127.0.0.1:0',
    '--ops-listen',
    'off',
    '--endpoint',
    endpoint,
  );
  await linkgrant('token', 'issue', token, '--name', 'to-west', '--data-dir', ACCEPTING);
  await linkgrant('token', 'redeem', token, '--to', links, '--subject', 'east', '--data-dir', REQUESTING);
  await linkgrant(
    'issuer',
    'server-certificate',
    '--host',
    ROUTER_HOST,
    '--to',
    certificates,
    '--data-dir',
    ACCEPTING,
  );

  const [, secret] = objectsIn(links);
  console.log(`\n${readFileSync(join(links, 'Link-to-west.yaml'), 'utf8')}`);
  const certificate = new X509Certificate(Buffer.from(secret.data['tls.crt'], 'base64'));
  console.log(`Secret ${secret.metadata.name}: certificate subject ${certificate.subject}`);

  const router = await routerWith(certificates);
  const { protocol, greeting } = await handshake(router.address().port, secret);
  router.close();
  if (greeting !== 'welcome east') throw new Error(`the router sent "${greeting}"`);
  console.log(`${protocol} with a server certificate of the site CA: handshake ok`);
} finally {
  service?.kill('SIGTERM');
  rmSync(directory, { recursive: true, force: true });
}
