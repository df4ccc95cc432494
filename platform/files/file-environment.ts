import { resolve } from 'node:path';
import { z } from 'zod';
import type { FileStoreOptions } from './file-store.ts';

/** Variables that say where uploaded files are kept: S3 where `S3_BUCKET` is set, else a folder. */
export const fileVariables = {
  PUBLIC_URL: z
    .url({ protocol: /^https?$/ })
    .default('http://localhost:4000')
    .describe(
      'Address under which clients reach the gateway; part of the addresses of files and of the media server.',
    ),
  FILES_DIR: z
    .string()
    .default('.veza/files')
    .describe(
      'Folder for uploaded files; every process must see the same one. Not used where S3_BUCKET is set.',
    ),
  S3_BUCKET: z
    .string()
    .optional()
    .describe('Bucket for uploaded files. Credentials come from the usual AWS variables.'),
  S3_REGION: z.string().default('us-east-1').describe('Region of the bucket.'),
  S3_ENDPOINT: z.url().optional().describe('Address of an S3-compatible server other than AWS.'),
};

const shape = z.object(fileVariables);

export function fileStoreOptions(environment: z.infer<typeof shape>, secret: string): FileStoreOptions {
  const { PUBLIC_URL, FILES_DIR, S3_BUCKET, S3_REGION, S3_ENDPOINT } = environment;
  if (S3_BUCKET) return { kind: 's3', bucket: S3_BUCKET, region: S3_REGION, endpoint: S3_ENDPOINT };
  return { kind: 'disk', folder: resolve(FILES_DIR), publicUrl: PUBLIC_URL, secret };
}
