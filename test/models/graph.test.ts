import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ancestors,
  buildGraph,
  descendants,
  type GraphNode,
  resolveRef,
  unknownSources,
} from '../../src/models/graph.ts';

/** `a: b c` is a model a that reads b on line 1 and c on line 2. */
function nodes(text: string): GraphNode[] {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [id = '', ...refs] = line
        .trim()
        .split(/[\s:]+/)
        .filter(Boolean);
      return { id, file: `${id}.sql`, refs, refLines: new Map(refs.map((ref, index) => [ref, index + 1])) };
    });
}

describe('the order of building', () => {
  const graph = buildGraph(
    nodes(`
      d: b c
      b: a
      c: a
      a:
      e:`),
  );

  test('puts each model after all that it reads, in steps that can run side by side', () => {
    expect(graph.levels).toEqual([['a', 'e'], ['b', 'c'], ['d']]);
    expect(graph.order).toEqual(['a', 'e', 'b', 'c', 'd']);
  });

  test('says what is above and below a model', () => {
    expect([...ancestors(graph, 'd')].sort()).toEqual(['a', 'b', 'c']);
    expect([...ancestors(graph, 'd', 1)].sort()).toEqual(['b', 'c']);
    expect([...descendants(graph, 'a')].sort()).toEqual(['b', 'c', 'd']);
    expect([...descendants(graph, 'a', 1)].sort()).toEqual(['b', 'c']);
    expect([...descendants(graph, 'e')]).toEqual([]);
  });

  test('holds for any graph, whatever order its models come in', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.nat()), { maxLength: 30 }), fc.integer(), (edges, seed) => {
        const all = edges.map((reads, index): GraphNode => {
          const refs = index === 0 ? [] : [...new Set(reads.map((to) => `m${to % index}`))];
          return { id: `m${index}`, file: 'f', refs, refLines: new Map() };
        });
        const shuffled = all.toSorted(
          (a, b) => ((a.id.length * 31 + seed) % 7) - ((b.id.length * 31 + seed) % 7),
        );
        const { order } = buildGraph(shuffled);
        expect(order).toEqual(buildGraph(all).order);
        expect(order.toSorted()).toEqual(all.map(({ id }) => id).sort());
        for (const { id, refs } of all)
          for (const ref of refs) expect(order.indexOf(ref)).toBeLessThan(order.indexOf(id));
      }),
    );
  });
});

describe('cycles of models', () => {
  test('are reported with the file and line of each step', () => {
    expect(() =>
      buildGraph(
        nodes(`
          below: c
          c: x a
          a: b
          b: c
          x:`),
      ),
    ).toThrow(
      'a.sql:1: these models are built from each other: a -> b -> c -> a (a.sql:1, b.sql:1, c.sql:2)',
    );
  });

  test('are all reported', () => {
    expect(() => buildGraph(nodes('a: b\nb: a\nc: d\nd: c\ne: e'))).toThrow(
      /a -> b -> a .*\n.*c -> d -> c .*\n.*e -> e /,
    );
  });
});

describe('the name in a ref()', () => {
  const ids = new Set(['marts.agents', 'messaging.utterances', 'ai_services.utterances']);
  test.each([
    [['agents'], { id: 'marts.agents' }],
    [['marts', 'agents'], { id: 'marts.agents' }],
    [['messaging', 'utterances'], { id: 'messaging.utterances' }],
    [['agent'], { problem: 'there is no model agent (did you mean "marts.agents"?)' }],
    [['mart', 'agents'], { problem: 'there is no model mart.agents (did you mean "marts.agents"?)' }],
    [['entirely_other'], { problem: 'there is no model entirely_other' }],
    [
      ['utterances'],
      {
        problem:
          "utterances could be ai_services.utterances or messaging.utterances: write ref('ai_services', 'utterances') or ref('messaging', 'utterances')",
      },
    ],
  ])('gives one model, or says why not: %s', (name, answer) => {
    expect(resolveRef(name, ids)).toEqual(answer);
  });
});

test('a source() of a feed that nobody knows is reported with its line', () => {
  const known = new Set(['messaging.convos_metrics', 'ai_services.utterances']);
  const told = (feed: string, group = 'messaging') =>
    unknownSources({ id: 'marts.a', file: 'a.sql', sources: [{ group, feed, line: 3 }] }, known);
  expect(told('convos_metrics')).toEqual([]);
  // A later version may come before anybody documents it.
  expect(told('convos_metrics__v2')).toEqual([]);
  expect(told('convo_metrics')).toEqual([
    {
      file: 'a.sql',
      line: 3,
      models: ['marts.a'],
      message:
        'there is no feed messaging.convo_metrics (did you mean "messaging.convos_metrics"?): nobody documents it, and nothing has come of it',
    },
  ]);
  // The first version has no number in its name.
  expect(told('convos_metrics__v1')).toHaveLength(1);
  expect(told('entirely_other', 'none')).toHaveLength(1);
});
