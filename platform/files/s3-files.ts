import { Readable } from 'node:stream';
import { DeleteObjectCommand, GetObjectCommand, NoSuchKey, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { CodedError } from '../errors.ts';
import type { FileStorage } from './file-storage.ts';
import { abandonUploads, uploadToS3 } from './s3-upload.ts';

const HOUR_S = 3_600;
/** The longest life that S3 allows an address. */
const MAX_TTL_S = 7 * 24 * HOUR_S;
const CONNECT_TIMEOUT_MS = 5_000;
const SOCKET_TIMEOUT_MS = 60_000;

export interface S3Options {
  readonly bucket: string;
  readonly region: string;
  /** Of an S3-compatible server other than AWS. */
  readonly endpoint?: string;
}

/** Files in a bucket, served by S3 itself at signed addresses. */
export function createS3Files({ bucket, region, endpoint }: S3Options): FileStorage {
  const client = new S3Client({
    region,
    endpoint,
    forcePathStyle: endpoint !== undefined,
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, socketTimeout: SOCKET_TIMEOUT_MS },
    // Servers other than AWS do not all know the checksums that the client would add by itself.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  return {
    write: (key, content, { contentType, signal }) =>
      uploadToS3(client, { bucket, key, contentType, signal }, content),
    read: (key) => readObject(client, bucket, key),
    async delete(key, signal) {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }), { abortSignal: signal });
      await abandonUploads(client, { bucket, key, signal });
    },
    urlOf: (key, ttlMs) => signedUrl(client, bucket, key, ttlMs),
  };
}

async function readObject(client: S3Client, bucket: string, key: string): Promise<Readable> {
  try {
    const { Body: body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    if (!(body instanceof Readable)) throw new TypeError('S3 answered without a stream.');
    return body;
  } catch (error) {
    if (error instanceof NoSuchKey) throw new CodedError('NOT_FOUND', 'The file does not exist.', {}, error);
    throw error;
  }
}

/** Signed as of the hour that has begun, so that the address stays the same for an hour. */
function signedUrl(client: S3Client, bucket: string, key: string, ttlMs: number): Promise<string> {
  const hourMs = HOUR_S * 1_000;
  const signingDate = new Date(Math.floor(Date.now() / hourMs) * hourMs);
  const expiresIn = Math.min(Math.ceil(ttlMs / 1_000) + HOUR_S, MAX_TTL_S);
  return getSignedUrl(client, new GetObjectCommand({ Bucket: bucket, Key: key }), { expiresIn, signingDate });
}
