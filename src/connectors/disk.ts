/** How long a disk may take for one call, on average. */
const FAST_MS = 0.1;
/** How long it may take beyond that before it counts as slow: a call or two may always have to wait. */
const PATIENCE_MS = 50;

/**
 * Asks the file system. A disk of this machine answers within microseconds, and handing a call to another thread costs
 * several times as much; a network or a disk that has to look takes milliseconds, during which nothing else would be
 * done. So a place is asked directly for as long as it answers fast.
 */
export class Disk {
  #asked = 0;
  #waited = 0;

  /**
   * Makes one call.
   * @param direct the call, during which everything else waits
   * @param apart the same, made by another thread
   */
  async ask<T>(direct: () => T, apart: () => Promise<T>): Promise<T> {
    if (this.#waited > PATIENCE_MS + this.#asked * FAST_MS) return apart();
    const start = performance.now();
    try {
      return direct();
    } finally {
      this.#asked += 1;
      this.#waited += performance.now() - start;
    }
  }
}
