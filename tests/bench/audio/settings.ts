/** How much of everything is measured. */
export interface Settings {
  /** Length of one measurement. */
  readonly seconds: number;
  readonly rounds: number;
  /** Length of `soak`, which has to be long to say anything. */
  readonly soakSeconds: number;
  /** What happens at random follows from it. */
  readonly seed: number;
}
