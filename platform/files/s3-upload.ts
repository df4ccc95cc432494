import type { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
  type CompletedPart,
  type S3Client,
} from '@aws-sdk/client-s3';

interface Target {
  readonly bucket: string;
  readonly key: string;
  readonly contentType: string;
}

/** At least 5 MiB, S3's smallest part; with its 10,000 parts at most, good for 80 GB. */
const PART_BYTES = 8 * 1024 * 1024;

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
    );
    return;
  }
  await uploadParts(client, target, body, parts);
}

async function uploadParts(
  client: S3Client,
  { bucket, key, contentType }: Target,
  first: Buffer,
  others: AsyncIterable<Buffer>,
): Promise<void> {
  const object = { Bucket: bucket, Key: key };
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({ ...object, ContentType: contentType }),
  );
  const upload = { ...object, UploadId };
  const Parts: CompletedPart[] = [];
  const send = async (Body: Buffer) => {
    const PartNumber = Parts.length + 1;
    const { ETag } = await client.send(new UploadPartCommand({ ...upload, PartNumber, Body }));
    Parts.push({ PartNumber, ETag });
  };
  try {
    await send(first);
    for await (const part of others) await send(part);
    await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));
  } catch (error) {
    // Parts of an upload that was given up would be stored, and paid for, for ever.
    await client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
    throw error;
  }
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
