import { Worker } from 'node:worker_threads';

/** What the thread runs: adds bytes to the hash that is meant, or ends it where there are none. Answers in order. */
const PROGRAM = `
  const { createHash } = require('node:crypto');
  const { parentPort } = require('node:worker_threads');
  const hashes = new Map();
  parentPort.on('message', ({ id, bytes }) => {
    const hash = hashes.get(id) ?? createHash('md5');
    if (bytes) hashes.set(id, hash.update(bytes));
    else hashes.delete(id);
    parentPort.postMessage(bytes ? '' : hash.digest('hex'));
  });
`;

/**
 * Computes MD5s in a thread of its own: they are a third of all the work with bytes that arrive over TLS. The thread
 * begins with the first bytes. Its program is a text, so that it runs from wherever this code does.
 */
export class Md5Thread implements AsyncDisposable {
  readonly #waiting: { resolve: (answer: string) => void; reject: (error: Error) => void }[] = [];
  #worker: Worker | undefined;
  #hashes = 0;

  /** A hash of no bytes yet. */
  hash(): Md5 {
    this.#hashes += 1;
    const id = this.#hashes;
    return {
      update: async (bytes) => void (await this.#ask({ id, bytes })),
      digest: () => this.#ask({ id }),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker?.terminate();
  }

  #ask(message: { id: number; bytes?: Uint8Array<SharedArrayBuffer> }): Promise<string> {
    this.#worker ??= this.#start();
    const worker = this.#worker;
    worker.ref();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      worker.postMessage(message);
    });
  }

  #start(): Worker {
    // Nothing that was meant for the program itself: options of Node could load code into the thread, too.
    const worker = new Worker(PROGRAM, { eval: true, execArgv: [], env: {} });
    const fail = (error: Error) => {
      this.#worker = undefined;
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    };
    worker.on('message', (answer: string) => {
      this.#waiting.shift()?.resolve(answer);
      // A thread that nobody waits for does not keep the program up.
      if (this.#waiting.length === 0) worker.unref();
    });
    worker.on('error', fail);
    worker.on('exit', () => fail(new Error('the thread that computes checksums has ended')));
    return worker;
  }
}

/** An MD5 that is being computed. */
export interface Md5 {
  /**
   * Adds bytes, in memory that both threads see.
   * @returns when they are in: until then they must stay as they are
   */
  update(bytes: Uint8Array<SharedArrayBuffer>): Promise<void>;
  /** The MD5 in hexadecimal; ends the hash. */
  digest(): Promise<string>;
}
