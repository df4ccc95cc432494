/** Clients send few different values, each many times: so many are remembered, if they are no longer than usual. */
const MAX_REMEMBERED = 200;
const MAX_REMEMBERED_CHARS = 256;

/** `read` with a memory, for what stands in the heads of requests. What it returns is shared: nobody may change it. */
export function remembering<T extends {} | null>(
  read: (text: string | undefined) => T,
): (text: string | undefined) => T {
  const known = new Map<string | undefined, T>();
  return (text) => {
    let value = known.get(text);
    if (value !== undefined) return value;
    value = read(text);
    if (known.size >= MAX_REMEMBERED) known.clear();
    if (text === undefined || text.length <= MAX_REMEMBERED_CHARS) known.set(text, value);
    return value;
  };
}
