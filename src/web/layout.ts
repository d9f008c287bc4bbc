import { Graphviz } from '@hpcc-js/wasm-graphviz';

/** A graph drawn in columns, each node to the right of everything that it is made from. */

export interface LayoutNode {
  id: string;
  width: number;
}

export interface Point {
  x: number;
  y: number;
}

export interface Layout {
  /** By id: the middle of the left edge. */
  nodes: ReadonlyMap<string, Point>;
  /**
   * Each edge as Bézier curves: the starting point, then for each curve its two control points and its end. Edges run
   * from the right side of a column to the left side of another, around the nodes between.
   */
  edges: readonly { from: string; to: string; curves: readonly Point[] }[];
  width: number;
  height: number;
}

/** The height of a node. All lengths are points, which are pixels of the picture. */
export const HEIGHT = 26;
/** Between two nodes, one above the other. */
const APART = 8;
/** Between the right end of a column and the left end of the next. */
const GAP = 80;

// WebAssembly, compiled once.
const graphviz = await Graphviz.load();

/**
 * Places nodes in columns and routes edges so that few cross. Pure: equal input gives equal output.
 * @param edges from what is read to what reads it; there is no cycle
 */
export function layOut(nodes: readonly LayoutNode[], edges: readonly (readonly [string, string])[]): Layout {
  const names = new Map(nodes.map(({ id }, index) => [id, index]));
  const drawn = edges.filter((ends) => ends.every((id) => names.has(id)));
  const columns = intoColumns(nodes, drawn);
  // Graphviz puts the middles of a column's nodes one above the other. With one width, their left edges are, too.
  const widths = new Map(
    columns.flatMap((column) => {
      const widest = Math.max(...column.map(({ width }) => width));
      return column.map(({ id }) => [id, widest]);
    }),
  );
  const widthOf = (id: string) => widths.get(id) as number;
  const picture = draw([
    ...nodes.map(({ id }, index) => `${index} [width=${inches(widthOf(id))}]`),
    ...columns.map((column) => `{ rank=same; ${column.map(({ id }) => names.get(id)).join('; ')} }`),
    ...drawn.map(([from, to], index) => `${names.get(from)} -> ${names.get(to)} [id=${index}]`),
  ]);
  return {
    nodes: new Map(
      nodes.map(({ id }, index) => {
        const { x, y } = picture.places[index] as Point;
        return [id, { x: x - widthOf(id) / 2, y }];
      }),
    ),
    edges: drawn.map(([from, to], index) => ({ from, to, curves: picture.curves[index] as Point[] })),
    width: picture.width,
    height: picture.height,
  };
}

/** A node stands right of all that it is made from; one that is made from nothing, next to what first reads it. */
function intoColumns(
  nodes: readonly LayoutNode[],
  edges: readonly (readonly [string, string])[],
): LayoutNode[][] {
  const numbers = new Map(nodes.map(({ id }) => [id, 0]));
  const numberOf = (id: string) => numbers.get(id) as number;
  for (let moved = true; moved; ) {
    moved = false;
    for (const [from, to] of edges)
      if (numberOf(to) <= numberOf(from)) {
        numbers.set(to, numberOf(from) + 1);
        moved = true;
      }
  }
  const made = new Set(edges.map(([, to]) => to));
  const starts = edges.filter(([from]) => !made.has(from));
  for (const [from] of starts)
    numbers.set(from, Math.min(...starts.filter(([id]) => id === from).map(([, to]) => numberOf(to))) - 1);
  const columns: LayoutNode[][] = [];
  for (const node of nodes) {
    const number = numberOf(node.id);
    columns[number] = [...(columns[number] ?? []), node];
  }
  return columns;
}

/** Where Graphviz puts the middle of each node, and the course of each edge, both in the order of the statements. */
interface Picture {
  places: Point[];
  curves: Point[][];
  width: number;
  height: number;
}

/** As far as we read it. A box and points are numbers, the coordinates of a point with a comma between. */
interface GraphvizOutput {
  bb: string;
  objects?: { pos?: string }[];
  edges?: { id: string; pos: string }[];
}

/** @param statements in the language DOT: nodes, edges with their index as `id`, and what else there is to say */
function draw(statements: readonly string[]): Picture {
  const source = [
    `rankdir=LR; ranksep=${inches(GAP)}; nodesep=${inches(APART)}`,
    `node [shape=box, fixedsize=true, label="", height=${inches(HEIGHT)}]`,
    'edge [dir=none, tailport=e, headport=w]',
    ...statements,
  ];
  const output = graphviz.layout(`digraph { ${source.join(';\n')} }`, 'json', 'dot', { yInvert: true });
  const { bb, objects = [], edges = [] } = JSON.parse(output) as GraphvizOutput;
  const [, height = 0, width = 0] = bb.split(',').map(Number);
  return {
    places: objects.flatMap(({ pos }) => (pos === undefined ? [] : points(pos))),
    curves: edges.toSorted((a, b) => Number(a.id) - Number(b.id)).map(({ pos }) => points(pos)),
    width,
    height,
  };
}

function points(text: string): Point[] {
  return text.split(' ').map((pair) => {
    const [x = 0, y = 0] = pair.split(',').map(Number);
    return { x, y };
  });
}

function inches(length: number): number {
  return length / 72;
}
