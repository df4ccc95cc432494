import { invalid, Refusal } from '#platform/errors.ts';

export const MAX_AVATAR_BYTES = 5 * 1024 * 1024;

const SIGNATURES: readonly { type: string; extension: string; matches: (head: Uint8Array) => boolean }[] = [
  {
    type: 'image/png',
    extension: 'png',
    matches: (head) => startsWith(head, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a]),
  },
  { type: 'image/jpeg', extension: 'jpg', matches: (head) => startsWith(head, [0xff, 0xd8, 0xff]) },
  {
    type: 'image/webp',
    extension: 'webp',
    matches: (head) =>
      startsWith(head, [0x52, 0x49, 0x46, 0x46]) && startsWith(head.subarray(8), [0x57, 0x45, 0x42, 0x50]),
  },
];

const startsWith = (bytes: Uint8Array, prefix: readonly number[]) =>
  prefix.every((byte, index) => bytes[index] === byte);

/** The picture's type by its first bytes, because what a client says of it proves nothing. Refuses anything but PNG, JPEG and WebP. */
export function pictureType(head: Uint8Array): { readonly type: string; readonly extension: string } {
  const found = SIGNATURES.find(({ matches }) => matches(head));
  if (!found)
    throw new Refusal(invalid('file', 'UNSUPPORTED_FORMAT', 'The picture must be PNG, JPEG or WebP.'));
  return found;
}
