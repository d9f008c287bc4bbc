/** A graph drawn in columns: what a node is made from stands left of it. */

export interface LayoutNode {
  id: string;
  width: number;
}

export interface Layout {
  /** By id: the middle of the left edge. */
  nodes: ReadonlyMap<string, { x: number; y: number }>;
  /** The points that an edge goes through between its two nodes, left to right: one in each column that it crosses. */
  edges: readonly { from: string; to: string; by: readonly { x: number; width: number; y: number }[] }[];
  width: number;
  height: number;
}

/** Between the middles of two nodes, one above the other. */
const ROW = 34;
/** Between the right edge of a column and the left edge of the next. */
const GAP = 64;
/** An edge that passes through a column takes less room than a node. */
const PASSING_ROW = 18;
const SWEEPS = 12;

/** A node, or the place of an edge in a column that it crosses. */
interface Slot {
  id: string;
  width: number;
  passing: boolean;
  column: number;
  y: number;
  left: Slot[];
  right: Slot[];
}

/**
 * Places nodes in columns and orders each column so that few edges cross: sweeps from left to right and back, in which a
 * node goes to the mean of its neighbours. Pure; equal input gives equal output.
 * @param edges from what is read to what reads it; there is no cycle
 */
export function layOut(nodes: readonly LayoutNode[], edges: readonly (readonly [string, string])[]): Layout {
  const slots = new Map(nodes.map(({ id, width }) => [id, slot(id, width, false)]));
  const ends = edges.flatMap(([from, to]): [Slot, Slot][] => {
    const pair = [slots.get(from), slots.get(to)];
    return pair[0] && pair[1] ? [[pair[0], pair[1]]] : [];
  });
  assignColumns([...slots.values()], ends);
  const paths = ends.map(([from, to]) => ({ from, to, by: connect(from, to) }));
  const columns = intoColumns([...slots.values(), ...paths.flatMap(({ by }) => by)]);
  order(columns);
  place(columns);
  const { starts, width } = across(columns);
  const x = ({ column }: Slot) => starts[column] as number;
  const widest = (column: number) => Math.max(...(columns[column] as Slot[]).map((each) => each.width));
  return {
    nodes: new Map([...slots].map(([id, each]) => [id, { x: x(each), y: each.y }])),
    edges: paths.map(({ from, to, by }) => ({
      from: from.id,
      to: to.id,
      by: by.map((each) => ({ x: x(each), width: widest(each.column), y: each.y })),
    })),
    width,
    height: Math.max(0, ...columns.flat().map(({ y }) => y)) + ROW / 2,
  };
}

function slot(id: string, width: number, passing: boolean): Slot {
  return { id, width, passing, column: 0, y: 0, left: [], right: [] };
}

/** A node stands right of all that it is made from; one that is made from nothing, next to what first reads it. */
function assignColumns(slots: readonly Slot[], ends: readonly (readonly [Slot, Slot])[]): void {
  for (let moved = true; moved; ) {
    moved = false;
    for (const [from, to] of ends)
      if (to.column <= from.column) {
        to.column = from.column + 1;
        moved = true;
      }
  }
  const made = new Set(ends.map(([, to]) => to));
  for (const each of slots) {
    const readers = ends.filter(([from]) => from === each).map(([, to]) => to.column);
    if (!made.has(each) && readers.length > 0) each.column = Math.min(...readers) - 1;
  }
}

/** Joins two nodes by a slot in each column between them. */
function connect(from: Slot, to: Slot): Slot[] {
  const by: Slot[] = [];
  let last = from;
  const join = (next: Slot) => {
    last.right.push(next);
    next.left.push(last);
    last = next;
  };
  for (let column = from.column + 1; column < to.column; column++) {
    const passing = slot(`${from.id} ${to.id} ${column}`, 0, true);
    passing.column = column;
    by.push(passing);
    join(passing);
  }
  join(to);
  return by;
}

function intoColumns(slots: readonly Slot[]): Slot[][] {
  const columns: Slot[][] = Array.from(
    { length: Math.max(0, ...slots.map(({ column }) => column + 1)) },
    () => [],
  );
  for (const each of slots) columns[each.column]?.push(each);
  for (const column of columns) column.sort((a, b) => (a.id < b.id ? -1 : 1));
  return columns;
}

/**
 * Orders each column by the mean place of its neighbours, exchanges neighbours where that uncrosses edges, and keeps the best
 * of all orders seen.
 */
function order(columns: Slot[][]): void {
  let best = columns.map((column) => [...column]);
  let fewest = crossings(columns);
  for (let sweep = 0; sweep < SWEEPS && fewest > 0; sweep++) {
    // From right to left first: what few models read sorts the many feeds, which begin in the order of their names.
    const rightwards = sweep % 2 === 1;
    for (const column of rightwards ? columns : columns.toReversed()) {
      const rank = ranks(columns);
      const mean = new Map(
        column.map((each, index) => {
          const near = rightwards ? each.left : each.right;
          const places = near.map((other) => rank.get(other) as number);
          return [each, places.length > 0 ? average(places) : index];
        }),
      );
      column.sort((a, b) => (mean.get(a) as number) - (mean.get(b) as number));
    }
    uncross(columns);
    const now = crossings(columns);
    if (now < fewest) {
      fewest = now;
      best = columns.map((column) => [...column]);
    }
  }
  for (const [index, column] of best.entries()) columns[index]?.splice(0, column.length, ...column);
}

function ranks(columns: readonly (readonly Slot[])[]): Map<Slot, number> {
  return new Map(columns.flatMap((column) => column.map((each, index) => [each, index] as const)));
}

/** Exchanges two slots, one above the other, where fewer of their edges cross then; until there are none such. */
function uncross(columns: readonly Slot[][]): void {
  const rank = ranks(columns);
  const at = (slots: readonly Slot[]) => slots.map((each) => rank.get(each) as number);
  /** By how many crossings the order `above`, `below` is worse than the other one. */
  const worse = (above: readonly number[], below: readonly number[]) =>
    above.reduce((sum, a) => sum + below.reduce((count, b) => count + Math.sign(a - b), 0), 0);
  for (let moved = true; moved; ) {
    moved = false;
    for (const column of columns)
      for (let index = 1; index < column.length; index++) {
        const above = column[index - 1] as Slot;
        const below = column[index] as Slot;
        if (worse(at(above.left), at(below.left)) + worse(at(above.right), at(below.right)) <= 0) continue;
        column[index - 1] = below;
        column[index] = above;
        rank.set(below, index - 1).set(above, index);
        moved = true;
      }
  }
}

function crossings(columns: readonly (readonly Slot[])[]): number {
  let count = 0;
  for (const [index, column] of columns.entries()) {
    const rank = new Map(columns[index + 1]?.map((each, place) => [each, place]));
    const ends = column.flatMap((each, from) =>
      each.right.map((other) => [from, rank.get(other) ?? 0] as const),
    );
    for (const [a, [from, to]] of ends.entries())
      for (const [otherFrom, otherTo] of ends.slice(a + 1))
        if ((from - otherFrom) * (to - otherTo) < 0) count += 1;
  }
  return count;
}

/** Moves the slots of each column towards their neighbours, in their order and never closer than there is room. */
function place(columns: readonly (readonly Slot[])[]): void {
  for (const column of columns)
    settle(
      column,
      column.map((_, index) => index * ROW),
    );
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (const column of sweep % 2 === 0 ? columns : columns.toReversed()) {
      const wanted = column.map((each) => {
        const near = [...each.left, ...each.right];
        return near.length > 0 ? average(near.map(({ y }) => y)) : each.y;
      });
      settle(column, wanted);
    }
  }
  const top = Math.min(...columns.flat().map(({ y }) => y));
  for (const each of columns.flat()) each.y += ROW / 2 - top;
}

/** Gives slots the places they want as far as there is room: those that press on each other share the distance. */
function settle(column: readonly Slot[], wanted: readonly number[]): void {
  // Each block is a run of slots that touch; `start` is where its first one wants to be, on average of them all.
  const blocks: { start: number; size: number; slots: { slot: Slot; offset: number }[] }[] = [];
  for (const [index, each] of column.entries()) {
    let block = {
      start: wanted[index] as number,
      size: room(each),
      slots: [{ slot: each, offset: room(each) / 2 }],
    };
    block.start -= room(each) / 2;
    for (let last = blocks.at(-1); last && last.start + last.size > block.start; last = blocks.at(-1)) {
      blocks.pop();
      const { size } = last;
      const weight = last.slots.length + block.slots.length;
      block = {
        start: (last.start * last.slots.length + (block.start - size) * block.slots.length) / weight,
        size: size + block.size,
        slots: [
          ...last.slots,
          ...block.slots.map(({ slot: of, offset }) => ({ slot: of, offset: offset + size })),
        ],
      };
    }
    blocks.push(block);
  }
  for (const { start, slots } of blocks) for (const { slot: of, offset } of slots) of.y = start + offset;
}

function room({ passing }: Slot): number {
  return passing ? PASSING_ROW : ROW;
}

function average(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
}

/** Where each column begins, and where the last one ends. */
function across(columns: readonly (readonly Slot[])[]): { starts: number[]; width: number } {
  const starts: number[] = [];
  let x = 0;
  for (const column of columns) {
    starts.push(x);
    x += Math.max(0, ...column.map(({ width }) => width)) + GAP;
  }
  return { starts, width: Math.max(0, x - GAP) };
}
