import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CreateBucketCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { createFileStore } from '#platform/files/file-store.ts';
import { Observed } from '../media/observed.ts';

interface S3Server {
  run(): Promise<{ readonly port: number }>;
  close(): Promise<void>;
}

type S3Constructor = new (options: {
  readonly port: number;
  readonly address: string;
  readonly silent: boolean;
  readonly directory: string;
}) => S3Server;

export interface S3Request {
  readonly method: string;
  /** Key and query as they were sent, for example `a/b.ogg?uploads=`. */
  readonly target: string;
}

/** SLOW_DOWN: refused with 503, as S3 does. CUT: the connection breaks amid the request. UNANSWERED: carried out, but the connection breaks before the
 * answer. SILENT: never answered. A number: answered so many milliseconds later. */
export type S3Trouble = 'SLOW_DOWN' | 'CUT' | 'UNANSWERED' | 'SILENT' | number;

export type S3 = Awaited<ReturnType<typeof startS3>>;

const BUCKET = 'files';
const REGION = 'us-east-1';
const SLOW_DOWN = '<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>';

// What the server accepts; file stores read them where the AWS tools read them, and so do processes that tests start.
Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' });

/** An S3 server in this process, on a free port and an empty folder, with a bucket. Things can go wrong there as they do with S3. */
export async function startS3() {
  // The package is CommonJS and brings no types.
  const Server: S3Constructor = createRequire(import.meta.url)('s3rver');
  const directory = await mkdtemp(join(tmpdir(), 'veza-s3-'));
  const server = new Server({ port: 0, address: '127.0.0.1', silent: true, directory });
  const { port: innerPort } = await server.run();
  const requests = new Observed<S3Request>();
  let judge = (_request: S3Request): S3Trouble | null => null;
  const front = createServer((request, response) => {
    const seen = { method: request.method ?? '', target: (request.url ?? '').slice(`/${BUCKET}/`.length) };
    const trouble = judge(seen);
    serve({ request, response, trouble, innerPort, directory })
      .catch(() => response.destroy())
      .finally(() => seen.target !== '' && requests.add(seen));
  }).listen(0, '127.0.0.1');
  await once(front, 'listening');
  const address = front.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  const client = new S3Client({ region: REGION, endpoint: url, forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  const options = { kind: 's3', bucket: BUCKET, region: REGION, endpoint: url } as const;
  return {
    url,
    /** Variables by which a process keeps its files here. */
    env: { S3_BUCKET: BUCKET, S3_REGION: REGION, S3_ENDPOINT: url },
    /** What was asked about files, once it was answered or went wrong. */
    requests,
    openStore: () => createFileStore(options),
    /** From now on: how a request goes wrong; null for one that does not. */
    trouble: (next: typeof judge) => void (judge = next),
    async keys(): Promise<string[]> {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: BUCKET }));
      return Contents.map(({ Key = '' }) => Key);
    },
    /** Keys of uploads that were begun and neither completed nor given up. */
    unfinishedUploads: async () => (await uploadsIn(directory)).map(({ key }) => key),
    async close() {
      client.destroy();
      front.closeAllConnections();
      front.close();
      await server.close();
      await rm(directory, { recursive: true });
    },
  };
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly trouble: S3Trouble | null;
  readonly innerPort: number;
  readonly directory: string;
}

async function serve({ request, response, trouble, innerPort, directory }: Exchange): Promise<void> {
  if (trouble === 'CUT') {
    if (Number(request.headers['content-length'] ?? 0) > 0) await once(request, 'data');
    return void request.socket.destroy();
  }
  // As a whole: what breaks off leaves nothing with S3, where the server behind would keep the part that came.
  const body = Buffer.concat(await request.toArray());
  if (trouble === 'SILENT') return;
  if (trouble === 'SLOW_DOWN') return void response.writeHead(503).end(SLOW_DOWN);
  if (typeof trouble === 'number') await delay(trouble);
  const isDone = await serveUploads(request, response, directory);
  if (!isDone) await forward(request, body, innerPort, trouble === 'UNANSWERED' ? null : response);
  if (trouble === 'UNANSWERED') request.socket.destroy();
}

/** Hands a request on; the answer goes to nobody where `response` is null. */
async function forward(
  { method, url, headers }: IncomingMessage,
  body: Buffer,
  port: number,
  response: ServerResponse | null,
): Promise<void> {
  const onward = send({ host: '127.0.0.1', port, method, path: url, headers });
  onward.end(body);
  const answer = await new Promise<IncomingMessage>((resolve, reject) =>
    onward.once('response', resolve).once('error', reject),
  );
  response?.writeHead(answer.statusCode ?? 500, answer.headers);
  for await (const chunk of answer) response?.write(chunk);
  response?.end();
}

/** ListMultipartUploads and AbortMultipartUpload, which the server behind does not know. */
async function serveUploads(
  { method, url = '' }: IncomingMessage,
  response: ServerResponse,
  directory: string,
): Promise<boolean> {
  const { searchParams } = new URL(url, 'http://s3');
  const uploadId = searchParams.get('uploadId');
  if (method === 'GET' && searchParams.has('uploads')) {
    const prefix = searchParams.get('prefix') ?? '';
    const found = (await uploadsIn(directory)).filter(({ key }) => key.startsWith(prefix));
    const rows = found.map(({ key, id }) => `<Upload><Key>${key}</Key><UploadId>${id}</UploadId></Upload>`);
    response.end(`<ListMultipartUploadsResult>${rows.join('')}</ListMultipartUploadsResult>`);
    return true;
  }
  if (method !== 'DELETE' || uploadId === null) return false;
  const { path } = (await uploadsIn(directory)).find(({ id }) => id === uploadId) ?? {};
  if (path === undefined)
    response.writeHead(404).end('<Error><Code>NoSuchUpload</Code><Message>None.</Message></Error>');
  else {
    await rm(path, { recursive: true });
    response.writeHead(204).end();
  }
  return true;
}

async function uploadsIn(directory: string) {
  const folder = join(directory, BUCKET, '._S3rver_uploads');
  const ids = await readdir(folder).catch(() => []);
  const read = async (id: string) => {
    const path = join(folder, id);
    return { id, path, key: await readFile(join(path, 'key'), 'utf8') };
  };
  return Promise.all(ids.map(read));
}
