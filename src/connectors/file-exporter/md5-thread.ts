import { Worker } from 'node:worker_threads';
import { SourceError, StorageError } from '../../errors.ts';

/** What the thread runs: reads on in a file, as far as it goes by now; tells the MD5 of all that it read; forgets the file. */
const PROGRAM = `
  const { createHash } = require('node:crypto');
  const { closeSync, openSync, readSync } = require('node:fs');
  const { parentPort } = require('node:worker_threads');
  const files = new Map();
  const bytes = Buffer.allocUnsafe(1 << 20);
  const readOn = (id, path) => {
    if (!files.has(id)) files.set(id, { handle: openSync(path), hash: createHash('md5') });
    const { handle, hash } = files.get(id);
    for (let length; (length = readSync(handle, bytes)) > 0; ) hash.update(bytes.subarray(0, length));
    return hash;
  };
  const tasks = {
    readOn,
    digest: (id, path) => parentPort.postMessage({ md5: readOn(id, path).copy().digest('hex') }),
    forget: (id) => {
      if (files.has(id)) closeSync(files.get(id).handle);
      files.delete(id);
    },
  };
  parentPort.on('message', ({ task, id, path }) => {
    try {
      tasks[task](id, path);
    } catch ({ message }) {
      // What cannot be read on can be read later, or whoever asks for the digest is told.
      if (task === 'digest') parentPort.postMessage({ message });
    }
  });
`;

/**
 * Computes MD5s in a thread of its own: they are a third of all the work with bytes that arrive over TLS. The thread
 * begins with the first file, and reads what is on disk. Its program is a text, so that it runs from wherever this code does.
 */
export class Md5Thread implements AsyncDisposable {
  readonly #waiting: { path: string; resolve: (md5: string) => void; reject: (error: Error) => void }[] = [];
  #worker: Worker | undefined;
  #files = 0;

  /** The MD5 of a file that grows at its end. Disposed of, the thread does not keep the file open. */
  of(path: string): GrowingMd5 {
    const id = this.#files++;
    const send = (task: 'readOn' | 'digest') => {
      this.#worker ??= this.#start();
      this.#worker.postMessage({ task, id, path });
      return this.#worker;
    };
    return {
      readOn: () => void send('readOn'),
      digest: () =>
        new Promise((resolve, reject) => {
          this.#waiting.push({ path, resolve, reject });
          send('digest').ref();
        }),
      [Symbol.dispose]: () => this.#worker?.postMessage({ task: 'forget', id }),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker?.terminate();
  }

  #start(): Worker {
    // Nothing that was meant for the program itself: options of Node could load code into the thread, too.
    const worker = new Worker(PROGRAM, { eval: true, execArgv: [], env: {} });
    // A thread that nobody waits for does not keep the program up.
    worker.unref();
    // It answers in order.
    worker.on('message', ({ md5, message }: { md5: string; message?: string }) => {
      const asked = this.#waiting.shift();
      if (message === undefined) asked?.resolve(md5);
      else asked?.reject(new StorageError(`cannot read ${asked.path}: ${message}`));
      if (this.#waiting.length === 0) worker.unref();
    });
    const end = (cause?: Error) => {
      this.#worker = undefined;
      const error = new SourceError('the thread that computes checksums has ended', { cause });
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    };
    worker.on('error', end);
    worker.on('exit', () => end());
    return worker;
  }
}

interface GrowingMd5 extends Disposable {
  /** Says that there is more to read. */
  readOn(): void;
  /** The MD5 of all that the file holds now, in hexadecimal. */
  digest(): Promise<string>;
}
