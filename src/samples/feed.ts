import type { Conversation } from './conversation.ts';
import { conversationEvents } from './snapshot.ts';
import { HOUR, QUARTER, quarterOf } from './times.ts';
import type { World } from './world.ts';

/** One line of a feed. A bigint is written as a bare JSON number with all its digits. */
export type SampleRow = Record<string, unknown>;

/** The stretch of time that one partition is of; `to` is not part of it. */
export interface Window {
  from: number;
  to: number;
}

export interface SampleFeed {
  group: 'messaging' | 'ai_services';
  name: string;
  every: 'quarter' | 'hour' | 'day';
  /** The columns that identify a record, of those that the feed has. */
  key: readonly string[];
  gzip?: boolean;
  /** What a partition of this window holds, in the order of its lines. */
  rows(world: World, window: Window): SampleRow[];
}

/** Columns that the vendor still sends and no longer fills. */
export function nulls(...names: string[]): SampleRow {
  return Object.fromEntries(names.map((name) => [name, null]));
}

/**
 * The versions of records that one export sends: each thing that changed in the window, as it stood at its end.
 * Now and then a thing that also changed in an earlier quarter of the window is sent twice, the older version first.
 * @param events the moments at which a thing changed
 * @param render a thing as it stood at a moment; undefined while it is not there yet
 */
export function versions<Thing>(
  things: readonly Thing[],
  { from, to }: Window,
  events: (thing: Thing) => number[],
  render: (thing: Thing, at: number) => SampleRow | undefined,
): SampleRow[] {
  const rows: SampleRow[] = [];
  for (const thing of things) {
    const changes = events(thing).filter((time) => from <= time && time < to);
    if (changes.length === 0) continue;
    const firstQuarter = quarterOf(Math.min(...changes)) + QUARTER;
    const twice = firstQuarter < to && Math.min(...changes) % 6 === 0;
    for (const at of twice ? [firstQuarter, to] : [to]) {
      const row = render(thing, at);
      if (row) rows.push(row);
    }
  }
  return rows;
}

const byHour = new WeakMap<World, Map<number, Conversation[]>>();

/** The conversations with anything new in the window: saves looking at all of them for each partition. */
export function conversationsIn(world: World, { from, to }: Window): Conversation[] {
  let index = byHour.get(world);
  if (!index) {
    index = new Map();
    for (const conversation of world.conversations)
      for (const hour of new Set(conversationEvents(conversation).map((time) => Math.floor(time / HOUR)))) {
        const list = index.get(hour);
        if (list) list.push(conversation);
        else index.set(hour, [conversation]);
      }
    byHour.set(world, index);
  }
  const found = new Set<Conversation>();
  for (let hour = Math.floor(from / HOUR); hour * HOUR < to; hour++)
    for (const conversation of index.get(hour) ?? []) found.add(conversation);
  return [...found].sort((a, b) => a.number - b.number);
}
