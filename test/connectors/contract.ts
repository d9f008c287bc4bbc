import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pMap from 'p-map';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Connector, Entry, ListedFile } from '../../src/connectors/connector.ts';
import { FileError } from '../../src/errors.ts';

/** A real server (or folder) with files in it, and a connector that looks at it. */
export interface Place {
  /**
   * Puts a file there, making its folders, replacing what was. Where the etag is a modification time, each put of the
   * same path must leave another one, as a replacement on another day would.
   * @param path relative to the source's root, laid out as the vendor does
   */
  put(path: string, bytes: Uint8Array): Promise<void>;
  remove(path: string): Promise<void>;
  /** A new connector to this place. The suite closes it. */
  connector(): Promise<Connector>;
  stop(): Promise<void>;
}

export interface Harness {
  start(): Promise<Place>;
  seal: Connector['seal'];
  /** `vendor`: the place knows no other folders than FEED/version=V/format=F/dt=D/hr=H. */
  layout: 'free' | 'vendor';
  /** Whether a listed file can be told from another of the same size that has replaced it. */
  noticesSameSize: boolean;
  /** File names that the place, or its protocol, cannot hold. */
  impossibleNames?: readonly string[];
}

/** Names that break naive URLs, quoting, globbing or XML. The place must hold them and give them back as they are. */
const HOSTILE_NAMES = [
  'a b  c.jsonl',
  ' blank at both ends ',
  `it's "quoted".jsonl`,
  '100%.jsonl',
  '100%25.jsonl',
  '1+1=2.jsonl',
  'a&b;c#d?e.jsonl',
  '<tag>&amp;.jsonl',
  'back\\slash.jsonl',
  '[a-z]*{b}.jsonl',
  '$(echo x)`y`.jsonl',
  'Ünïcödé 日本 🙂.jsonl',
  'e\u0301 decomposed.jsonl',
  '...jsonl',
  'line\nbreak.jsonl',
  'tab\tand\u0001control.jsonl',
] as const;

const FORMAT = 'version=1/format=jsonl';
const HOUR = `${FORMAT}/dt=2026-01-31/hr=07`;

/**
 * What every connector must do, on a real server. `src/connectors/connector.ts` says it in words.
 * Each test has a feed of its own in the one place, so none sees another's files.
 */
export function describeConnector(name: string, harness: Harness): void {
  describe(`the ${name} connector`, () => {
    let place: Place;
    let connector: Connector;
    let scratch: string;

    beforeAll(async () => {
      scratch = await mkdtemp(join(tmpdir(), 'connector-'));
      place = await harness.start();
      connector = await place.connector();
    }, 60_000);

    afterAll(async () => {
      await connector?.[Symbol.asyncDispose]();
      await place?.stop();
      await rm(scratch, { recursive: true, force: true });
    }, 30_000);

    /** Puts one file and gives what the listing says of it. */
    async function putAndList(path: string, bytes: Uint8Array): Promise<ListedFile> {
      await place.put(path, bytes);
      const found = (await files(path.slice(0, path.lastIndexOf('/')))).find((file) => file.path === path);
      if (!found) throw new Error(`${path} is not listed`);
      return found;
    }

    async function files(path: string, from?: string): Promise<ListedFile[]> {
      return (await collect(connector.files(path, from))).sort(byPath);
    }

    async function entries(path: string): Promise<Entry[]> {
      return (await collect(connector.entries(path))).sort((a, b) => (a.name < b.name ? -1 : 1));
    }

    /** The File Exporter API says nothing of when files were changed. */
    const modified = harness.layout === 'free' ? { modified: expect.any(Date) } : {};

    let partials = 0;
    const partialName = () => join(scratch, `${partials++}.partial`);

    it('says where it is and when a partition is complete', () => {
      expect(connector.location).toMatch(/./);
      expect(connector.seal).toBe(harness.seal);
    });

    describe('when it lists', () => {
      it('shows one level of folders and files', async () => {
        await place.put(`levels/${HOUR}/levels.jsonl`, Buffer.from('{}\n'));
        await place.put(`levels/${HOUR}/levels.jsonl.01`, Buffer.from('{}\n{}\n'));
        await place.put(`levels/${FORMAT}/dt=2026-01-31/hr=08/levels.jsonl`, Buffer.from('{}'));
        await place.put(`levels/${FORMAT}/dt=2026-02-01/hr=00/levels.jsonl`, Buffer.from('{}'));

        expect(await entries('')).toContainEqual({ kind: 'folder', name: 'levels' });
        expect(await entries('levels')).toEqual([{ kind: 'folder', name: 'version=1' }]);
        expect(await entries('levels/version=1')).toEqual([{ kind: 'folder', name: 'format=jsonl' }]);
        expect(await entries(`levels/${FORMAT}`)).toEqual([
          { kind: 'folder', name: 'dt=2026-01-31' },
          { kind: 'folder', name: 'dt=2026-02-01' },
        ]);
        expect(await entries(`levels/${FORMAT}/dt=2026-01-31`)).toEqual([
          { kind: 'folder', name: 'hr=07' },
          { kind: 'folder', name: 'hr=08' },
        ]);
        expect(await entries(`levels/${HOUR}`)).toEqual([
          {
            kind: 'file',
            name: 'levels.jsonl',
            path: `levels/${HOUR}/levels.jsonl`,
            bytes: 3,
            etag: expect.stringMatching(/./),
            ...modified,
          },
          {
            kind: 'file',
            name: 'levels.jsonl.01',
            path: `levels/${HOUR}/levels.jsonl.01`,
            bytes: 6,
            etag: expect.stringMatching(/./),
            ...modified,
          },
        ]);
      });

      it('shows every file below a folder, with its size and etag, as entries() does', async () => {
        for (const hour of ['07', '08', '09'])
          await place.put(`below/${FORMAT}/dt=2026-01-31/hr=${hour}/below.jsonl`, Buffer.alloc(Number(hour)));
        const listed = await files('below');
        expect(listed.map(({ path, bytes }) => ({ path, bytes }))).toEqual([
          { path: `below/${FORMAT}/dt=2026-01-31/hr=07/below.jsonl`, bytes: 7 },
          { path: `below/${FORMAT}/dt=2026-01-31/hr=08/below.jsonl`, bytes: 8 },
          { path: `below/${FORMAT}/dt=2026-01-31/hr=09/below.jsonl`, bytes: 9 },
        ]);
        expect(await files(`below/${FORMAT}/dt=2026-01-31`)).toEqual(listed);
        const [one] = await entries(`below/${HOUR}`);
        expect(one).toEqual({ kind: 'file', name: 'below.jsonl', ...listed[0], ...modified });
      });

      it('yields nothing for a folder that is not there', async () => {
        expect(await entries('nobody')).toEqual([]);
        expect(await files('nobody')).toEqual([]);
        await place.put(`here/${HOUR}/here.jsonl`, Buffer.from('{}'));
        expect(await entries('here/version=2')).toEqual([]);
        expect(await files(`here/${FORMAT}/dt=1999-01-01`)).toEqual([]);
      });

      it('does not take a folder for another whose name begins alike', async () => {
        await place.put(`alike/${HOUR}/alike.jsonl`, Buffer.from('{}'));
        await place.put(`alike_too/${HOUR}/alike_too.jsonl`, Buffer.from('{}'));
        expect((await files('alike')).map(({ path }) => path)).toEqual([`alike/${HOUR}/alike.jsonl`]);
        expect(await files('alik')).toEqual([]);
      });

      it('leaves out the children whose name sorts before `from`', async () => {
        const days = ['2025-12-31', '2026-01-09', '2026-01-10', '2026-01-11', '2026-02-01'];
        for (const day of days)
          await place.put(`prune/${FORMAT}/dt=${day}/hr=00/prune.jsonl`, Buffer.from('{}'));
        const since = async (from: string) =>
          (await files(`prune/${FORMAT}`, from)).map(({ path }) => /dt=([^/]+)/.exec(path)?.[1]);
        expect(await since('dt=2026-01-10')).toEqual(['2026-01-10', '2026-01-11', '2026-02-01']);
        expect(await since('dt=2026-01-12')).toEqual(['2026-02-01']);
        expect(await since('dt=2026-01')).toEqual(days.slice(1));
        expect(await since('dt=1970-01-01')).toEqual(days);
        expect(await since('dt=2030-01-01')).toEqual([]);
      });

      it('pages through more than a thousand folders and files', async () => {
        const paths = Array.from({ length: 1100 }, (_, day) => {
          const date = new Date(Date.UTC(2023, 0, 1 + day)).toISOString().slice(0, 10);
          return `many/${FORMAT}/dt=${date}/hr=00/many.jsonl`;
        });
        await pMap(paths, (path) => place.put(path, Buffer.from('{}')), { concurrency: 16 });
        expect((await files('many')).map(({ path }) => path)).toEqual(paths);
        expect((await entries(`many/${FORMAT}`)).length).toBe(1100);
        const middle = paths[50]?.split('/')[3] as string;
        expect((await files(`many/${FORMAT}`, middle)).map(({ path }) => path)).toEqual(paths.slice(50));
      }, 60_000);

      it('can be left early, and goes on working', async () => {
        for (const hour of ['00', '01', '02'])
          await place.put(`early/${FORMAT}/dt=2026-01-31/hr=${hour}/early.jsonl`, Buffer.from('{}'));
        for await (const file of connector.files('early')) {
          expect(file.path).toMatch(/^early\//);
          break;
        }
        for await (const _ of connector.entries(`early/${FORMAT}/dt=2026-01-31`)) break;
        expect((await files('early')).length).toBe(3);
      });

      it('gives another etag when the bytes change, and the same one while they do not', async () => {
        const path = `etags/${HOUR}/etags.jsonl`;
        const first = await putAndList(path, Buffer.from('{"a":1}'));
        expect(await files('etags')).toEqual([first]);
        const longer = await putAndList(path, Buffer.from('{"a":12}'));
        expect(longer.bytes).toBe(8);
        expect(longer.etag).not.toBe(first.etag);
        if (!harness.noticesSameSize) return;
        const sameSize = await putAndList(path, Buffer.from('{"a":21}'));
        expect(sameSize.bytes).toBe(8);
        expect(sameSize.etag).not.toBe(longer.etag);
      });

      const names = HOSTILE_NAMES.filter((name) => !harness.impossibleNames?.includes(name));
      it.each(names.map((name) => [JSON.stringify(name), name] as const))(
        'lists and fetches a file named %s',
        async (_, hostile) => {
          const folder = `hostile/${FORMAT}/dt=2026-01-31/hr=${String(names.indexOf(hostile)).padStart(2, '0')}`;
          const file = await putAndList(`${folder}/${hostile}`, Buffer.from(hostile));
          expect(await entries(folder)).toEqual([{ kind: 'file', name: hostile, ...file, ...modified }]);
          const partial = partialName();
          await connector.fetch(file, partial);
          expect(await readFile(partial, 'utf8')).toBe(hostile);
        },
      );

      if (harness.layout === 'free') {
        it('shows files at any depth, the root included', async () => {
          await place.put('at-the-root.txt', Buffer.from('r'));
          await place.put('odd/file.txt', Buffer.from('o'));
          await place.put('odd/a b/ü %/deep/er/file.txt', Buffer.from('d'));
          const at = async (path: string) => (await files(path)).map((file) => file.path);
          expect(await at('')).toEqual(
            expect.arrayContaining(['at-the-root.txt', 'odd/a b/ü %/deep/er/file.txt', 'odd/file.txt']),
          );
          expect(await at('odd')).toEqual(['odd/a b/ü %/deep/er/file.txt', 'odd/file.txt']);
          expect(await at('odd/a b/ü %')).toEqual(['odd/a b/ü %/deep/er/file.txt']);
          expect((await entries('odd')).map(({ kind, name }) => ({ kind, name }))).toEqual([
            { kind: 'folder', name: 'a b' },
            { kind: 'file', name: 'file.txt' },
          ]);
          expect((await entries('')).map(({ name }) => name)).toEqual(
            expect.arrayContaining(['at-the-root.txt', 'odd']),
          );
        });
      }

      if (harness.layout === 'free') {
        it('keeps a file whose name is `from` itself', async () => {
          // `b/x` sorts after `b.txt` as a path, but the folder `b` before it as a name.
          for (const child of ['a.txt', 'b.txt', 'c.txt', 'b/x', 'b.txt-folder/x', 'a.txt-folder/x'])
            await place.put(`exactly/${child}`, Buffer.from('x'));
          expect((await files('exactly', 'b.txt')).map(({ path }) => path)).toEqual([
            'exactly/b.txt',
            'exactly/b.txt-folder/x',
            'exactly/c.txt',
          ]);
        });
      }
    });

    describe('when it fetches', () => {
      /** Fetches and gives what landed, with what `onBytes` added up to. */
      async function fetchInto(file: ListedFile, partial: string) {
        let arrived = 0;
        await connector.fetch(file, partial, {
          onBytes: (count) => {
            arrived += count;
          },
        });
        return { bytes: await readFile(partial), arrived };
      }

      it('brings a whole file and says how many bytes came', async () => {
        const content = randomBytes(300_000);
        const file = await putAndList(`whole/${HOUR}/whole.jsonl`, content);
        const { bytes, arrived } = await fetchInto(file, partialName());
        expect(bytes.equals(content)).toBe(true);
        expect(arrived).toBe(content.length);
      });

      it('brings an empty file', async () => {
        const file = await putAndList(`empty/${HOUR}/empty.jsonl`, Buffer.alloc(0));
        expect(file.bytes).toBe(0);
        const { bytes, arrived } = await fetchInto(file, partialName());
        expect(bytes.length).toBe(0);
        expect(arrived).toBe(0);
      });

      it('brings 20 MB byte for byte, and two files at once', async () => {
        const [one, two] = [randomBytes(20_000_000), randomBytes(1_000_000)];
        const big = await putAndList(`big/${HOUR}/big.jsonl`, one);
        const small = await putAndList(`big/${HOUR}/big.jsonl.01`, two);
        const [a, b] = await Promise.all([fetchInto(big, partialName()), fetchInto(small, partialName())]);
        expect(a.bytes.equals(one)).toBe(true);
        expect(b.bytes.equals(two)).toBe(true);
      }, 30_000);

      it('goes on from the beginning that the partial file holds', async () => {
        const content = randomBytes(300_000);
        const file = await putAndList(`resume/${HOUR}/resume.jsonl`, content);
        const partial = partialName();
        await writeFile(partial, content.subarray(0, 100_001));
        const { bytes, arrived } = await fetchInto(file, partial);
        expect(bytes.equals(content)).toBe(true);
        expect(arrived).toBe(content.length - 100_001);
      });

      it('fetches nothing when the partial file is whole', async () => {
        const content = randomBytes(1000);
        const file = await putAndList(`already/${HOUR}/already.jsonl`, content);
        const partial = partialName();
        await writeFile(partial, content);
        const { bytes, arrived } = await fetchInto(file, partial);
        expect(bytes.equals(content)).toBe(true);
        expect(arrived).toBe(0);
      });

      it('starts over when the partial file is longer than the file', async () => {
        const content = randomBytes(1000);
        const file = await putAndList(`longer/${HOUR}/longer.jsonl`, content);
        const partial = partialName();
        await writeFile(partial, randomBytes(1001));
        const { bytes, arrived } = await fetchInto(file, partial);
        expect(bytes.equals(content)).toBe(true);
        expect(arrived).toBe(content.length);
      });

      it.each([
        ['longer', 400, true],
        ['shorter', 200, true],
        ['of the same size', 300, harness.noticesSameSize],
      ])('refuses a file that was replaced by one %s since it was listed', async (how, size, noticed) => {
        if (!noticed) return;
        const path = `replaced/${FORMAT}/dt=2026-01-31/hr=0${size / 100}/replaced.jsonl`;
        const old = randomBytes(300);
        const file = await putAndList(path, old);
        const fresh = partialName();
        const begun = partialName();
        await writeFile(begun, old.subarray(0, 100));
        await place.put(path, randomBytes(size));
        for (const partial of [fresh, begun]) {
          const failed = await rejection(connector.fetch(file, partial));
          expect(failed, how).toBeInstanceOf(FileError);
          expect((failed as FileError).message).toContain(path);
          expect(await exists(partial)).toBe(false);
        }
      });

      it('refuses a file that was removed since it was listed', async () => {
        const path = `removed/${HOUR}/removed.jsonl`;
        const content = randomBytes(300);
        const file = await putAndList(path, content);
        const [fresh, begun] = [partialName(), partialName()];
        await writeFile(begun, content.subarray(0, 100));
        await place.remove(path);
        for (const partial of [fresh, begun]) {
          const failed = await rejection(connector.fetch(file, partial));
          expect(failed).toBeInstanceOf(FileError);
          expect((failed as FileError).message).toContain(path);
          expect(await exists(partial)).toBe(false);
        }
      });

      it('stops at a signal with its reason, keeps what came, and goes on from there the next time', async () => {
        const content = randomBytes(20_000_000);
        const file = await putAndList(`abort/${HOUR}/abort.jsonl`, content);
        const partial = partialName();
        const stop = new AbortController();
        const reason = new Error('enough');
        const failed = await rejection(
          connector.fetch(file, partial, { signal: stop.signal, onBytes: () => stop.abort(reason) }),
        );
        expect(failed).toBe(reason);
        const kept = await readFile(partial);
        expect(kept.length).toBeGreaterThan(0);
        expect(kept.length).toBeLessThan(content.length);
        expect(kept.equals(content.subarray(0, kept.length))).toBe(true);

        const { bytes, arrived } = await fetchInto(file, partial);
        expect(bytes.equals(content)).toBe(true);
        expect(arrived).toBe(content.length - kept.length);
      }, 30_000);

      it('does not start at all when the signal came before', async () => {
        const file = await putAndList(`before/${HOUR}/before.jsonl`, Buffer.from('{}'));
        const partial = partialName();
        const reason = new Error('too late');
        expect(await rejection(connector.fetch(file, partial, { signal: AbortSignal.abort(reason) }))).toBe(
          reason,
        );
        expect(await exists(partial)).toBe(false);
      });

      it('gives a local path, where it has one, at which the bytes themselves lie', async () => {
        const file = await putAndList(`local/${HOUR}/local.jsonl`, Buffer.from('{"here":1}'));
        if (!connector.localPath) return;
        expect(await readFile(connector.localPath(file), 'utf8')).toBe('{"here":1}');
      });
    });
  });
}

function byPath(a: ListedFile, b: ListedFile): number {
  return a.path < b.path ? -1 : 1;
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** What the promise was rejected with; fails the test when it was not. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail('it went well, where it should have been refused'),
    (error: unknown) => error,
  );
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
