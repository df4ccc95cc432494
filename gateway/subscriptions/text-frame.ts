/** RFC 6455, 5.2: FIN and opcode 1. A server masks nothing. */
const WHOLE_TEXT = 0x81;
const SHORT = 125;
const TWO_BYTES = 0xffff;

/** One WebSocket message of UTF-8 text in three parts, as bytes for the wire. */
export function textFrame(before: Buffer, text: Buffer, after: Buffer): Buffer {
  const length = before.length + text.length + after.length;
  const head = length <= SHORT ? 2 : length <= TWO_BYTES ? 4 : 10;
  const frame = Buffer.allocUnsafe(head + length);
  frame[0] = WHOLE_TEXT;
  if (head === 2) frame[1] = length;
  else if (head === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  before.copy(frame, head);
  text.copy(frame, head + before.length);
  after.copy(frame, head + before.length + text.length);
  return frame;
}
