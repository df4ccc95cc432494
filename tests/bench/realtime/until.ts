/** Resolves once it is so; rejects with `otherwise` where it is not in time. */
export async function until(isSo: () => boolean, otherwise: string, timeoutMs: number): Promise<void> {
  const giveUpAtMs = performance.now() + timeoutMs;
  while (!isSo()) {
    if (performance.now() > giveUpAtMs) throw new Error(otherwise);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
