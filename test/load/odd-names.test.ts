import { describe, expect, it } from 'vitest';
import type { Source } from '../../src/config/config.ts';
import type { Connector } from '../../src/connectors/connector.ts';
import { Project } from '../support/project.ts';

/** Feeds and versions with names that are not plain: each stays by itself, and the others are loaded. */

const DAY = '2026-01-05';

async function loaded(project: Project) {
  await project.load();
  return project.loader<{ feed: string; rows: number }>(
    `SELECT concat(feed, '/', version) AS feed, sum(rows_staged) AS rows FROM ops.files GROUP BY ALL ORDER BY 1`,
  );
}

describe('two feeds that would meet in one table', () => {
  it.each([
    ['names in another case', ['calls', '1'], ['Calls', '1']],
    ['a name like the table of a version', ['calls', '2'], ['calls__v2', '1']],
    ['versions in another case', ['calls', 'a'], ['calls', 'A']],
  ] as const)('have only the first one loaded, and the other reported: %s', async (_what, one, other) => {
    await using project = await Project.create();
    await project.partition(one[0], DAY, [{ id: 1 }, { id: 2 }], { version: one[1] });
    expect(await loaded(project)).toEqual([{ feed: one.join('/'), rows: 2 }]);
    await project.partition(other[0], DAY, [{ id: 3, more: 'x' }], { version: other[1] });
    await project.partition('zebras', DAY, [{ id: 4 }]);
    expect(await loaded(project)).toEqual([
      { feed: one.join('/'), rows: 2 },
      { feed: 'zebras/1', rows: 1 },
    ]);
    expect(await project.loader('SELECT path, reason FROM ops.misfits')).toEqual([
      {
        path: `${other[0]}/version=${other[1]}/format=jsonl`,
        reason: expect.stringContaining(`version ${one[1]} of the feed ${one[0]} in one table`),
      },
    ]);
  });

  it('have the one loaded that the documents know, whatever is listed first', async () => {
    await using project = await Project.create();
    await project.partition('Reps', DAY, [{ rep_id: '1' }]);
    await project.partition('reps', DAY, [{ rep_id: '2' }]);
    expect(await loaded(project)).toEqual([{ feed: 'reps/1', rows: 1 }]);
  });

  it('are not version=1 and version=01, which are two', async () => {
    await using project = await Project.create();
    await project.partition('calls', DAY, [{ id: 1 }]);
    await project.partition('calls', DAY, [{ id: 2 }], { version: '01' });
    expect(await loaded(project)).toEqual([
      { feed: 'calls/01', rows: 1 },
      { feed: 'calls/1', rows: 1 },
    ]);
    expect(await project.loader('SELECT id FROM staging_messaging.calls__v01')).toEqual([{ id: 2 }]);
  });
});

describe('a listing with a NUL in a name', () => {
  it('is reported, and loaded but for that name', async () => {
    await using plain = await Project.create();
    const [source] = (await plain.config()).sources as [Source];
    const odd = async () => withOddNames(await source.open());
    await using project = await Project.create(undefined, [{ ...source, open: odd }]);
    await plain.partition('calls', DAY, [{ id: 1 }]);
    await plain.partition('zebras', DAY, [{ id: 2 }]);
    expect(await loaded(project)).toEqual([
      { feed: 'calls/1', rows: 1 },
      { feed: 'zebras/1', rows: 1 },
    ]);
    const misfits = await project.loader<{ path: string }>('SELECT path FROM ops.misfits ORDER BY path');
    expect(misfits.map(({ path }) => path)).toEqual(['calls\0x/', 'calls/version=1\0/']);
    const { exitCode } = await project.load();
    expect(exitCode).not.toBe(1);
  });
});

/** The same place with a feed and a version more, whose names only an object store can have. */
function withOddNames(connector: Connector): Connector {
  return new Proxy(connector, {
    get(target, key) {
      const value = Reflect.get(target, key) as unknown;
      if (key !== 'entries') return typeof value === 'function' ? value.bind(target) : value;
      return async function* (path: string) {
        yield* target.entries(path);
        const name = { '': 'calls\0x', calls: 'version=1\0' }[path];
        if (name !== undefined) yield { kind: 'folder', name };
      };
    },
  });
}
