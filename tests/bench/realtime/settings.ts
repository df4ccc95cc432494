/** How much of everything is measured. */
export interface Settings {
  /** Length of one measurement. */
  readonly seconds: number;
  readonly rounds: number;
  /** Length of what has its own, longer one otherwise. */
  readonly longS?: number;
}
