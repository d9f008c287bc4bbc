import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HEIGHT, type LayoutNode, layOut, type Point } from '../../src/web/layout.ts';

function nodes(...ids: string[]): LayoutNode[] {
  return ids.map((id) => ({ id, width: 100 }));
}

/** Graphviz gives two digits behind the point, and fewer where the picture is large. */
function near(place: number | undefined) {
  return expect.closeTo(place as number, 0);
}

/** Places on Bézier curves, from the first end to the last. */
function along([start, ...rest]: readonly Point[]): Point[] {
  const places = [start as Point];
  for (let at = 0; at < rest.length; at += 3) {
    const points = [places.at(-1), ...rest.slice(at, at + 3)] as [Point, Point, Point, Point];
    for (let step = 1; step <= 20; step++) {
      const t = step / 20;
      const shares = [(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t ** 2 * (1 - t), t ** 3];
      const sum = (axis: 'x' | 'y') =>
        points.reduce((all, point, index) => all + point[axis] * (shares[index] as number), 0);
      places.push({ x: sum('x'), y: sum('y') });
    }
  }
  return places;
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
  test('has every node in a place within the picture, and no two overlap', () => {
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

  test('has every edge lead to the right, past no node on its way', () => {
    fc.assert(
      fc.property(graphs, (graph) => {
        const layout = layOut(graph.nodes, graph.edges);
        expect(layout.edges.map(({ from, to }) => [from, to])).toEqual(graph.edges);
        const ends = ({ id, width }: LayoutNode) => {
          const { x, y } = layout.nodes.get(id) as Point;
          return { id, left: x, right: x + width, y };
        };
        const boxes = graph.nodes.map(ends);
        for (const { from, to, curves } of layout.edges) {
          const places = along(curves);
          const xs = places.map(({ x }) => x);
          expect(xs).toEqual(xs.toSorted((a, b) => a - b));
          const [start, end] = [from, to].map((id) => boxes.find((box) => box.id === id));
          expect(places[0]).toMatchObject({ y: near(start?.y) });
          expect(places.at(-1)).toMatchObject({ x: near(end?.left), y: near(end?.y) });
          for (const { id, left, right, y } of boxes)
            if (id !== from && id !== to)
              for (const place of places)
                expect(place.x < left || place.x > right || Math.abs(place.y - y) > HEIGHT / 2).toBe(true);
        }
      }),
    );
  });

  test('gives the same picture each time', () => {
    fc.assert(
      fc.property(graphs, (graph) => {
        expect(layOut(graph.nodes, graph.edges)).toEqual(layOut(graph.nodes, graph.edges));
      }),
    );
  });
});

test('models that are read in another order than that of their names are placed so that nothing crosses', () => {
  const { nodes: places } = layOut(nodes('a', 'b', 'y', 'z'), [
    ['a', 'z'],
    ['b', 'y'],
  ]);
  const y = (id: string) => places.get(id)?.y as number;
  expect(y('a')).toBe(y('z'));
  expect(y('b')).toBe(y('y'));
});

test('a feed that only a late model reads stands next to that model', () => {
  const { nodes: places } = layOut(nodes('a', 'b', 'c', 'late'), [
    ['a', 'b'],
    ['b', 'c'],
    ['late', 'c'],
  ]);
  expect(places.get('late')?.x).toBe(places.get('b')?.x);
});

test('a model that reads several stands in their middle', () => {
  const { nodes: places } = layOut(nodes('a', 'b', 'c', 'mart'), [
    ['a', 'mart'],
    ['b', 'mart'],
    ['c', 'mart'],
  ]);
  expect(places.get('mart')?.y).toBe(places.get('b')?.y);
});

test('a crossing that cannot be avoided does not make the layout go on for ever', () => {
  const edges = ['a', 'b'].flatMap((from) => ['y', 'z'].map((to) => [from, to] as const));
  expect(layOut(nodes('a', 'b', 'y', 'z'), edges).edges).toHaveLength(4);
});

test('an empty graph makes an empty picture', () => {
  expect(layOut([], [])).toMatchObject({ width: 0, edges: [] });
});
