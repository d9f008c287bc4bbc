import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type LayoutNode, layOut } from '../../src/web/layout.ts';

function nodes(...ids: string[]): LayoutNode[] {
  return ids.map((id) => ({ id, width: 100 }));
}

/** Edges only lead from a lower number to a higher one, so there is no cycle. */
const graphs = fc.integer({ min: 1, max: 14 }).chain((count) =>
  fc.record({
    nodes: fc.tuple(
      ...Array.from({ length: count }, (_, id) =>
        fc.integer({ min: 20, max: 300 }).map((width) => ({ id: String(id), width })),
      ),
    ),
    edges: fc
      .uniqueArray(fc.tuple(fc.nat(count - 1), fc.nat(count - 1)), {
        maxLength: 30,
        selector: (edge) => edge.join(),
      })
      .map((pairs) =>
        pairs.filter(([from, to]) => from < to).map(([from, to]) => [String(from), String(to)] as const),
      ),
  }),
);

describe('any graph', () => {
  test('every node has its place within the picture, and no two overlap', () => {
    fc.assert(
      fc.property(graphs, (graph) => {
        const layout = layOut(graph.nodes, graph.edges);
        const placed = graph.nodes.map(({ id, width }) => ({
          width,
          ...(layout.nodes.get(id) as { x: number; y: number }),
        }));
        for (const { x, y, width } of placed) {
          expect(x).toBeGreaterThanOrEqual(0);
          expect(x + width).toBeLessThanOrEqual(layout.width);
          expect(y).toBeGreaterThan(0);
          expect(y).toBeLessThan(layout.height);
        }
        for (const [index, a] of placed.entries())
          for (const b of placed.slice(index + 1)) {
            const apart = Math.abs(a.y - b.y) > 33.9 || a.x + a.width <= b.x || b.x + b.width <= a.x;
            expect(apart).toBe(true);
          }
      }),
    );
  });

  test('every edge leads to the right, and passes no node on its way', () => {
    fc.assert(
      fc.property(graphs, (graph) => {
        const layout = layOut(graph.nodes, graph.edges);
        expect(layout.edges.map(({ from, to }) => [from, to])).toEqual(graph.edges);
        for (const { from, to, by } of layout.edges) {
          const xs = [layout.nodes.get(from), ...by, layout.nodes.get(to)].map((point) => point?.x as number);
          expect(xs).toEqual(xs.toSorted((a, b) => a - b));
          for (const passing of by)
            for (const { x, y } of layout.nodes.values())
              if (x === passing.x) expect(Math.abs(y - passing.y)).toBeGreaterThan(25);
        }
      }),
    );
  });

  test('the same graph gives the same picture', () => {
    fc.assert(
      fc.property(graphs, (graph) => {
        expect(layOut(graph.nodes, graph.edges)).toEqual(layOut(graph.nodes, graph.edges));
      }),
    );
  });
});

test('what is read in another order than that of its names is turned round, so that nothing crosses', () => {
  const { nodes: places } = layOut(nodes('a', 'b', 'y', 'z'), [
    ['a', 'z'],
    ['b', 'y'],
  ]);
  const y = (id: string) => places.get(id)?.y as number;
  expect(y('a')).toBe(y('z'));
  expect(y('b')).toBe(y('y'));
});

test('a feed that only a late model reads stands next to it', () => {
  const { nodes: places } = layOut(nodes('a', 'b', 'c', 'late'), [
    ['a', 'b'],
    ['b', 'c'],
    ['late', 'c'],
  ]);
  expect(places.get('late')?.x).toBe(places.get('b')?.x);
});

test('what reads several stands in their middle', () => {
  const { nodes: places } = layOut(nodes('a', 'b', 'c', 'mart'), [
    ['a', 'mart'],
    ['b', 'mart'],
    ['c', 'mart'],
  ]);
  expect(places.get('mart')?.y).toBe(places.get('b')?.y);
});

test('a cross of two edges that cannot be avoided does not go on for ever', () => {
  const edges = ['a', 'b'].flatMap((from) => ['y', 'z'].map((to) => [from, to] as const));
  expect(layOut(nodes('a', 'b', 'y', 'z'), edges).edges).toHaveLength(4);
});

test('nothing makes an empty picture', () => {
  expect(layOut([], [])).toMatchObject({ width: 0, edges: [] });
});
