/**
 * Publishes at a fixed rate; resolves with how many times it did. While `mayPublish` says no it waits, and makes up for that afterwards: the rate
 * is then a lower one.
 */
export async function publishAt(
  perS: number,
  seconds: number,
  publish: () => void,
  mayPublish: () => boolean = () => true,
): Promise<number> {
  const startedAtMs = performance.now();
  const total = Math.max(1, Math.round(perS * seconds));
  for (let published = 0; published < total;) {
    const due = Math.min(total, Math.floor(((performance.now() - startedAtMs) / 1_000) * perS) + 1);
    for (; published < due && mayPublish(); published += 1) publish();
    if (published < total) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return total;
}
