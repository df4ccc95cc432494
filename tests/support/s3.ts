import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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

/** An S3 server in this process, on a free port and an empty folder. Its only credentials are S3RVER and S3RVER. */
export async function startS3(): Promise<{ readonly url: string; close(): Promise<void> }> {
  // The package is CommonJS and brings no types.
  const Server: S3Constructor = createRequire(import.meta.url)('s3rver');
  const directory = await mkdtemp(join(tmpdir(), 'veza-s3-'));
  const server = new Server({ port: 0, address: '127.0.0.1', silent: true, directory });
  const { port } = await server.run();
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      await server.close();
      await rm(directory, { recursive: true });
    },
  };
}
