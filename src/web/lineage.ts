import { groupBy } from '../group-by.ts';
import type { Documentation } from './documentation.ts';
import { type Html, html, raw } from './html.ts';
import { HEIGHT, layOut, type Point } from './layout.ts';

/** A feed or a model in the lineage picture. */
interface LineageNode {
  id: string;
  /** What is written on it. */
  label: string;
  /** The schema of a model, the group of a feed. */
  schema: string;
  kind: 'feed' | 'dedup' | 'model';
  href: string;
}

/** The lineage: feeds and models, and edges from each to what is made from it. */
export interface Lineage {
  nodes: ReadonlyMap<string, LineageNode>;
  /** From what is read to what reads it. */
  edges: readonly (readonly [string, string])[];
}

/** The anchor of a feed's or model's section of the page. */
export function anchorOf(kind: 'model' | 'feed', id: string): string {
  return `#${kind}/${encodeURIComponent(id)}`;
}

export function lineageOf({ models, feeds }: Documentation): Lineage {
  const nodes = [
    ...feeds.map(({ group, feed }): LineageNode => {
      const id = `${group}.${feed}`;
      return { id: `feed ${id}`, label: feed, schema: group, kind: 'feed', href: anchorOf('feed', id) };
    }),
    ...models.map(({ model: { id, name, schema, config } }): LineageNode => {
      const kind = config.materialized === 'dedup' ? 'dedup' : 'model';
      return { id, label: name, schema, kind, href: anchorOf('model', id) };
    }),
  ];
  const edges = models.flatMap(({ model: { id, refs, sources } }) => [
    ...sources.map(({ group, feed }) => [`feed ${group}.${feed}`, id] as const),
    ...refs.map((ref) => [ref, id] as const),
  ]);
  return { nodes: new Map(nodes.map((node) => [node.id, node])), edges };
}

/** The part of the lineage around some nodes: everything upstream and downstream of them. */
export function neighbourhood({ nodes, edges }: Lineage, ids: readonly string[]): Lineage {
  const up = reachable(ids, neighbours(edges.map(([from, to]) => [to, from])));
  const down = reachable(ids, neighbours(edges));
  const kept = (id: string) => up.has(id) || down.has(id);
  return {
    nodes: new Map([...nodes].filter(([id]) => kept(id))),
    edges: edges.filter(([from, to]) => kept(from) && kept(to)),
  };
}

function neighbours(edges: Lineage['edges']): Map<string, string[]> {
  const leaving = groupBy(edges, ([from]) => from);
  return new Map([...leaving].map(([from, own]) => [from, own.map(([, to]) => to)]));
}

function reachable(starts: readonly string[], next: ReadonlyMap<string, readonly string[]>): Set<string> {
  const found = new Set(starts);
  // Iterating over a Set also visits the items added meanwhile.
  for (const id of found) for (const other of next.get(id) ?? []) found.add(other);
  return found;
}

/**
 * The lineage without dedup models that no other model reads, and their feeds: that such a table is made from its feed
 * goes without saying.
 */
export function withoutOwnDedup(lineage: Lineage): Lineage {
  const models = [...lineage.nodes.values()].filter(({ kind }) => kind === 'model');
  return neighbourhood(
    lineage,
    models.map(({ id }) => id),
  );
}

const MARGIN = 12;
/** Longer labels are cut; the whole name shows when the mouse rests on it. */
const LONGEST = 34;

/**
 * The picture as SVG, to stand in a page: each node is a link to its own part.
 * @param current the node that the page is about
 */
export function drawLineage(lineage: Lineage, current?: string): Html {
  const nodes = [...lineage.nodes.values()];
  const labels = new Map(nodes.map(({ id, label }) => [id, cut(label)]));
  const width = (id: string) => Math.ceil(30 + 7.4 * (labels.get(id) as string).length);
  const layout = layOut(
    nodes.map(({ id }) => ({ id, width: width(id) })),
    lineage.edges,
  );
  const size = { width: layout.width + 2 * MARGIN, height: layout.height + 2 * MARGIN };
  const edges = layout.edges.map(({ from, to, curves }) => {
    const { x, y } = layout.nodes.get(from) as Point;
    // A node may be narrower than its column, where the edge begins.
    const path = raw(`M${round(x + width(from))} ${round(y)}${pathOf(curves)}`);
    return html`<path d="${path}" data-from="${from}" data-to="${to}"/>`;
  });
  const boxes = nodes.map(({ id, kind, href, schema, label }) => {
    const { x, y } = layout.nodes.get(id) as Point;
    const state = id === current ? `${kind} current` : kind;
    return html`<a href="${href}" class="node ${state}" data-id="${id}"><title>${schema}.${label}</title><rect x="${round(x)}" y="${round(y - HEIGHT / 2)}" width="${width(id)}" height="${HEIGHT}" rx="6"/><circle cx="${round(x + 11)}" cy="${round(y)}" r="3.5"/><text x="${round(x + 20)}" y="${round(y + 4)}">${labels.get(id)}</text></a>`;
  });
  return html`<div class="lineage"><svg role="img" aria-label="What is made from what" width="${Math.ceil(size.width)}" height="${Math.ceil(size.height)}" viewBox="${-MARGIN} ${-MARGIN} ${round(size.width)} ${round(size.height)}"><g class="edges">${edges}</g>${boxes}</svg></div>`;
}

function cut(label: string): string {
  const characters = [...label];
  return characters.length > LONGEST ? `${characters.slice(0, LONGEST - 1).join('')}…` : label;
}

/** Level to where the curves begin, and along them. */
function pathOf([start, ...rest]: readonly Point[]): string {
  const bends = rest.map(({ x, y }) => `${round(x)} ${round(y)}`).join(' ');
  return `H${round((start as Point).x)}C${bends}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
