import { execFileSync, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findCommand } from '#platform/machine/debian-packages.mjs';
import { createTurns } from '../../../../media-server/worker-turns.ts';
import type { DtlsParameters } from '#schema/rtp.ts';

/** Node has no DTLS: `openssl s_client` shakes hands, over a path of ours, and tells the keys for SRTP (RFC 5764). It is not needed any more then. */

const PROFILE = 'SRTP_AEAD_AES_256_GCM';
const KEY_BYTES = 32;
const SALT_BYTES = 12;
const DEADLINE_MS = 30_000;
const HANDSHAKES_AT_ONCE = 4;
const KEYING_MATERIAL = /Keying material: ([0-9A-F]+)/;
const SHOWN_CHARS = 1_000;

/** Master key and salt of either direction, base64. */
export interface SrtpKeys {
  readonly ours: string;
  readonly theirs: string;
}

export interface Identity {
  readonly parameters: DtlsParameters;
  /** Shakes hands as the client. `send` takes what goes to the other side; `listen` is told who takes what comes from there. */
  shakeHands(path: {
    readonly send: (packet: Buffer) => void;
    readonly listen: (onPacket: (packet: Buffer) => void) => void;
  }): Promise<SrtpKeys>;
}

/** A certificate for this process. Throws where there is no openssl. */
export function createIdentity(): Identity {
  const openssl = findCommand('openssl');
  if (!openssl) throw new Error('DTLS needs the openssl command (Debian package: openssl).');
  const folder = mkdtempSync(join(tmpdir(), 'veza-dtls-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const files = ['-keyout', key, '-out', certificate];
  execFileSync(openssl, ['req', '-x509', ...curve, ...files, '-subj', '/CN=bench'], { stdio: 'ignore' });
  const { fingerprint256: value } = new X509Certificate(readFileSync(certificate));
  const inTurn = createTurns(HANDSHAKES_AT_ONCE);
  const args = ['s_client', '-dtls1_2', '-timeout', '-mtu', '1200', '-cert', certificate, '-key', key];
  const exporting = [
    '-keymatexport',
    'EXTRACTOR-dtls_srtp',
    '-keymatexportlen',
    String(2 * (KEY_BYTES + SALT_BYTES)),
  ];
  return {
    parameters: { role: 'client', fingerprints: [{ algorithm: 'sha-256', value }] },
    shakeHands: (path) => inTurn(() => run(openssl, [...args, '-use_srtp', PROFILE, ...exporting], path)),
  };
}

async function run(
  openssl: string,
  args: readonly string[],
  { send, listen }: Parameters<Identity['shakeHands']>[0],
): Promise<SrtpKeys> {
  const relay = createSocket('udp4');
  relay.bind(0, '127.0.0.1');
  await once(relay, 'listening');
  let clientPort = 0;
  relay.on('message', (packet, { port }) => {
    clientPort = port;
    send(packet);
  });
  listen((packet) => relay.send(packet, clientPort, '127.0.0.1'));
  const address = `127.0.0.1:${relay.address().port}`;
  const client = spawn(openssl, [...args, '-connect', address], { stdio: ['pipe', 'pipe', 'pipe'] });
  try {
    return keysOf(await keyingMaterial(client.stdout, client.stderr));
  } finally {
    // Without a farewell: to the worker, the session goes on.
    client.kill('SIGKILL');
    listen(() => undefined);
    relay.close();
  }
}

async function keyingMaterial(...outputs: readonly NodeJS.ReadableStream[]): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  let text = '';
  const fail = (why: string) => reject(new Error(`DTLS: ${why}: ${text.slice(-SHOWN_CHARS)}`));
  for (const output of outputs)
    output.on('data', (data: Buffer) => {
      text += data.toString();
      const [, found] = KEYING_MATERIAL.exec(text) ?? [];
      if (found) resolve(Buffer.from(found, 'hex'));
    });
  outputs[0]?.once('close', () => fail('openssl has ended'));
  const deadline = setTimeout(() => fail('no handshake in time'), DEADLINE_MS);
  return promise.finally(() => clearTimeout(deadline));
}

/** RFC 5764, 4.2: the keys of client and server, then their salts. */
function keysOf(material: Buffer): SrtpKeys {
  const [ourKey, theirKey] = [material.subarray(0, KEY_BYTES), material.subarray(KEY_BYTES, 2 * KEY_BYTES)];
  const salts = material.subarray(2 * KEY_BYTES);
  const join = (...parts: Buffer[]) => Buffer.concat(parts).toString('base64');
  return {
    ours: join(ourKey, salts.subarray(0, SALT_BYTES)),
    theirs: join(theirKey, salts.subarray(SALT_BYTES)),
  };
}
