import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rankSources } from '../../src/ledger/sources.ts';
import { Project } from '../support/project.ts';

/** Two local sources of one group, in the order given; each is the name of a source and of its folder. */
function yaml(...sources: [name: string, folder: string, precedence?: number][]): string {
  const one = ([name, folder, precedence]: (typeof sources)[number]) =>
    `  ${name}:\n    connector: local\n    path: ./${folder}\n    group: messaging\n${
      precedence === undefined ? '' : `    precedence: ${precedence}\n`
    }`;
  return `sources:\n${sources.map(one).join('')}`;
}

const HOUR = '2026-01-05 07';
const line = (code: string) =>
  `{"issue_id":1,"company_name":"c","instance_ts":"2026-01-05T07:00:00Z","voice_intent_code":"${code}"}`;

async function winner(project: Project): Promise<unknown> {
  const [row] = await project.published<{ code: string }>(
    'SELECT voice_intent_code AS code FROM messaging.voice_intents',
  );
  return row?.code;
}

describe('of two sources that deliver one partition with different bytes', { timeout: 120_000 }, () => {
  test.for([
    ['the first that is listed is right', yaml(['live', 'a'], ['archive', 'b']), 'A'],
    ['whatever their contents', yaml(['archive', 'b'], ['live', 'a']), 'B'],
    ['a precedence says otherwise', yaml(['archive', 'b'], ['live', 'a', 1]), 'A'],
  ] as const)('the first in their order wins: %s', async ([, text, expected]) => {
    await using project = await Project.create(text);
    await project.partition('voice_intents', HOUR, [line('A')], { root: 'a' });
    await project.partition('voice_intents', HOUR, [line('B')], { root: 'b' });
    await project.run();
    expect(await winner(project)).toBe(expected);
  });

  test('another one wins when the order changes', async () => {
    await using project = await Project.create(yaml(['live', 'a'], ['archive', 'b']));
    await project.partition('voice_intents', HOUR, [line('A')], { root: 'a' });
    await project.partition('voice_intents', HOUR, [line('B')], { root: 'b' });
    await project.run();
    await project.write('warehouse.yaml', yaml(['archive', 'b'], ['live', 'a']));
    await project.run();
    expect(await winner(project)).toBe('B');
    await using workspace = await project.open();
    expect(
      await workspace.session.rows('SELECT source, place, configured FROM ops.sources ORDER BY place'),
    ).toEqual([
      { source: 'archive', place: 1, configured: true },
      { source: 'live', place: 2, configured: true },
    ]);
  });

  test('a renamed one does not win over what its successor corrects', async () => {
    // Of these two contents, one has the higher hash whichever comes first.
    for (const [before, after] of [
      ['A', 'B'],
      ['B', 'A'],
    ] as const) {
      await using project = await Project.create(yaml(['messaging', 'a']));
      await project.partition('voice_intents', HOUR, [line(before)], { root: 'a' });
      await project.run();
      await project.partition('voice_intents', HOUR, [line(after)], { root: 'a' });
      await project.write('warehouse.yaml', yaml(['messaging_sftp', 'a']));
      await project.run();
      expect(await winner(project)).toBe(after);
    }
  });

  test('one that moved to where files have other names does not win either', async () => {
    await using project = await Project.create(yaml(['messaging', 'a']));
    await project.partition('voice_intents', HOUR, { '.01.gz': [line('OLD')] }, { root: 'a' });
    await project.run();
    await project.partition('voice_intents', HOUR, [line('NEW')], { root: 'b' });
    await project.write('warehouse.yaml', yaml(['moved', 'b']));
    await project.run();
    expect(await winner(project)).toBe('NEW');
  });
});

describe('the order of sources', () => {
  const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'));
  test('is total, has what is configured first, and keeps the order of the others', () => {
    fc.assert(
      fc.property(names, names, (first, second) => {
        const sources = (list: string[]) => list.map((name) => ({ name }));
        const before = rankSources([], sources(first));
        const now = rankSources(before, sources(second));
        expect(now.map(({ place }) => place)).toEqual(now.map((_, index) => index + 1));
        expect(now.map(({ source }) => source)).toEqual([
          ...second,
          ...first.filter((name) => !new Set<string>(second).has(name)),
        ]);
        expect(now.map(({ configured }) => configured)).toEqual(
          now.map(({ source }) => new Set<string>(second).has(source)),
        );
      }),
    );
  });
});
