import type { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  NoSuchUpload,
  PutObjectCommand,
  S3ServiceException,
  UploadPartCommand,
  type CompletedPart,
  type S3Client,
} from '@aws-sdk/client-s3';

interface Target {
  readonly bucket: string;
  readonly key: string;
  readonly contentType: string;
  readonly signal?: AbortSignal;
}

/** At least 5 MiB, S3's smallest part; with its 10,000 parts at most, good for 80 GB. */
const PART_BYTES = 8 * 1024 * 1024;
/** Whoever gives an upload up does not wait longer for a server that is silent. */
const ABORT_DEADLINE_MS = 5_000;
/** What a server answers that does not list uploads, or not to us: there a rule of the bucket's has to delete what is never completed. */
const CANNOT_LIST: readonly string[] = ['NotImplemented', 'MethodNotAllowed', 'AccessDenied'];

/**
 * Stores a stream of unknown length. S3 wants to know a length beforehand, so it goes part by part, one in memory at a time; the object comes
 * into being with the last of them.
 */
export async function uploadToS3(client: S3Client, target: Target, content: Readable): Promise<void> {
  const parts = partsOf(content);
  const first = await parts.next();
  const body = first.done ? Buffer.alloc(0) : first.value;
  if (body.length < PART_BYTES) {
    await client.send(
      new PutObjectCommand({
        Bucket: target.bucket,
        Key: target.key,
        ContentType: target.contentType,
        Body: body,
      }),
      { abortSignal: target.signal },
    );
    return;
  }
  await uploadParts(client, target, body, parts);
}

async function uploadParts(
  client: S3Client,
  { bucket, key, contentType, signal: abortSignal }: Target,
  first: Buffer,
  others: AsyncIterable<Buffer>,
): Promise<void> {
  const object = { Bucket: bucket, Key: key };
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({ ...object, ContentType: contentType }),
    { abortSignal },
  );
  const upload = { ...object, UploadId };
  const Parts: CompletedPart[] = [];
  const send = async (Body: Buffer) => {
    const PartNumber = Parts.length + 1;
    const { ETag } = await client.send(new UploadPartCommand({ ...upload, PartNumber, Body }), {
      abortSignal,
    });
    Parts.push({ PartNumber, ETag });
  };
  try {
    await send(first);
    for await (const part of others) await send(part);
    const complete = new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } });
    await client.send(complete, { abortSignal });
  } catch (error) {
    await abortUpload(client, upload).catch(() => undefined);
    throw error;
  }
  // Where an answer was lost, it may have been begun twice.
  await abandonUploads(client, { bucket, key, signal: abortSignal }).catch(() => undefined);
}

/**
 * Gives up uploads of exactly that key which nobody will complete, those of processes that were killed: their parts would be stored, and paid for, for
 * ever. The first page of the list has all there can be of one key.
 */
export async function abandonUploads(
  client: S3Client,
  { bucket, key, signal: abortSignal }: Omit<Target, 'contentType'>,
): Promise<void> {
  const list = new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: key });
  const { Uploads = [] } = await client.send(list, { abortSignal }).catch((error: unknown) => {
    if (error instanceof S3ServiceException && CANNOT_LIST.includes(error.name)) return { Uploads: [] };
    throw error;
  });
  for (const { Key, UploadId } of Uploads)
    if (Key === key) await abortUpload(client, { Bucket: bucket, Key, UploadId });
}

async function abortUpload(
  client: S3Client,
  upload: { readonly Bucket: string; readonly Key: string; readonly UploadId: string | undefined },
): Promise<void> {
  const abortSignal = AbortSignal.timeout(ABORT_DEADLINE_MS);
  await client.send(new AbortMultipartUploadCommand(upload), { abortSignal }).catch((error: unknown) => {
    if (!(error instanceof NoSuchUpload)) throw error;
  });
}

/** The content in pieces of PART_BYTES; the last one may be smaller. Throws where the content breaks off. */
async function* partsOf(content: Readable): AsyncGenerator<Buffer, void, void> {
  let chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of content as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes < PART_BYTES) continue;
    const whole = Buffer.concat(chunks);
    yield whole.subarray(0, PART_BYTES);
    chunks = [whole.subarray(PART_BYTES)];
    bytes = whole.length - PART_BYTES;
  }
  if (bytes > 0) yield Buffer.concat(chunks);
}
