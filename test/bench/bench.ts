import type { Measurement } from './measurement.ts';

/** What a bench works with. */
export interface BenchContext {
  /** Its own folder, empty. */
  folder: string;
  /** How much text a bench that reads files makes, in bytes. */
  bytes: number;
  /** What numbers of rows are multiplied by: 1 for 1 GB. */
  scale: number;
  /** Prints a measurement. */
  report(measurement: Omit<Measurement, 'bench'>): void;
  /** Says what is being done, on stderr. */
  note(text: string): void;
}

export type Bench = (context: BenchContext) => Promise<void>;
