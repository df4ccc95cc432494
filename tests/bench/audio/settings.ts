/** How much of everything is measured. */
export interface Settings {
  /** Length of one measurement. */
  readonly seconds: number;
  readonly rounds: number;
}
