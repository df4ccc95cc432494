/** A Markdown table; all columns but the first are aligned to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'));
  return [head, rule, ...rows].map(tableRow).join('\n');
}

/** A further row of such a table. */
export const tableRow = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** The value below which `share` of the samples lie; samples are sorted in place. */
export function percentile(samples: number[], share: number): number {
  samples.sort((a, b) => a - b);
  return samples[Math.min(samples.length - 1, Math.floor(samples.length * share))] ?? Number.NaN;
}
