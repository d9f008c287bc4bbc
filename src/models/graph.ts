import { didYouMean } from '../text.ts';
import { type ModelProblem, ProjectError } from './problems.ts';

/** Something that is built from others. */
export interface GraphNode {
  /** `schema.name` */
  id: string;
  file: string;
  /** The ids of what it reads. */
  refs: readonly string[];
  /** On which line it names each of them. */
  refLines: ReadonlyMap<string, number>;
}

/** Which models are built from which. */
export interface Graph {
  /** Every id, each after all that it reads. */
  order: readonly string[];
  /** The same in steps: those of one step do not read each other, and can be built side by side. */
  levels: readonly (readonly string[])[];
  /** What each id reads. */
  parents: ReadonlyMap<string, readonly string[]>;
  /** What reads each id. */
  children: ReadonlyMap<string, readonly string[]>;
}

/**
 * Puts models in the order in which they can be built. Pure; equal input gives equal order.
 * @param nodes what they read and is not among them is left out of account
 * @throws ProjectError that names each cycle, where there are any
 */
export function buildGraph(nodes: Iterable<GraphNode>): Graph {
  const { levels, parents, children, byId, stuck } = sorted(nodes);
  if (stuck.size > 0) throw new ProjectError(cycles(byId, stuck));
  return { order: levels.flat(), levels, parents, children };
}

/**
 * Models that are built from each other, a problem for each circle of them. Where circles touch, one of them is told first:
 * ask again without it.
 */
export function findCycles(nodes: Iterable<GraphNode>): ModelProblem[] {
  const { byId, stuck } = sorted(nodes);
  return cycles(byId, stuck);
}

/** Models level by level, as far as that goes; `stuck` are those that never come to their turn. */
function sorted(nodes: Iterable<GraphNode>) {
  const byId = new Map([...nodes].sort((a, b) => (a.id < b.id ? -1 : 1)).map((node) => [node.id, node]));
  const parents = new Map([...byId].map(([id, { refs }]) => [id, refs.filter((ref) => byId.has(ref))]));
  const children = new Map<string, string[]>([...byId.keys()].map((id) => [id, []]));
  for (const [id, reads] of parents) for (const parent of reads) children.get(parent)?.push(id);

  const waiting = new Map([...parents].map(([id, reads]) => [id, reads.length]));
  const levels: string[][] = [];
  for (let level = [...byId.keys()].filter((id) => waiting.get(id) === 0); level.length > 0; ) {
    levels.push(level);
    for (const id of level) waiting.delete(id);
    const ready: string[] = [];
    for (const child of level.flatMap((id) => children.get(id) ?? [])) {
      const left = (waiting.get(child) ?? 0) - 1;
      waiting.set(child, left);
      if (left === 0) ready.push(child);
    }
    level = ready.sort();
  }
  return { levels, parents, children, byId, stuck: new Set(waiting.keys()) };
}

/** Ids that `id` is built from, itself not among them. @param depth how many steps away at most */
export function ancestors(graph: Graph, id: string, depth = Number.POSITIVE_INFINITY): Set<string> {
  return reach(graph.parents, id, depth);
}

/** Ids that are built from `id`, itself not among them. @param depth how many steps away at most */
export function descendants(graph: Graph, id: string, depth = Number.POSITIVE_INFINITY): Set<string> {
  return reach(graph.children, id, depth);
}

function reach(edges: ReadonlyMap<string, readonly string[]>, start: string, depth: number): Set<string> {
  const found = new Set<string>();
  let edge = [start];
  for (let step = 0; step < depth && edge.length > 0; step++) {
    edge = [...new Set(edge.flatMap((id) => edges.get(id) ?? []))].filter((id) => !found.has(id));
    for (const id of edge) found.add(id);
  }
  return found;
}

/** One problem for each cycle among `stuck`, told from its first id in order. */
function cycles(byId: ReadonlyMap<string, GraphNode>, stuck: ReadonlySet<string>): ModelProblem[] {
  const told = new Set<string>();
  const problems: ModelProblem[] = [];
  for (const start of stuck) {
    if (told.has(start)) continue;
    // Each that is stuck reads another that is: following them comes round, though perhaps not to the start.
    const path: string[] = [];
    let id: string | undefined = start;
    while (id !== undefined && !path.includes(id) && !told.has(id)) {
      path.push(id);
      id = byId.get(id)?.refs.find((ref) => stuck.has(ref));
    }
    for (const each of path) told.add(each);
    if (id === undefined || !path.includes(id)) continue;
    const cycle = path.slice(path.indexOf(id));
    const first = cycle.toSorted()[0] as string;
    const turned = [...cycle.slice(cycle.indexOf(first)), ...cycle.slice(0, cycle.indexOf(first))];
    const node = byId.get(first) as GraphNode;
    problems.push({
      file: node.file,
      line: node.refLines.get(turned[1] ?? first),
      models: turned,
      message: `these models are built from each other: ${[...turned, first].join(' -> ')} (${turned.map((each, index) => refPlace(byId.get(each) as GraphNode, turned[index + 1] ?? first)).join(', ')})`,
    });
  }
  return problems;
}

function refPlace({ file, refLines }: GraphNode, ref: string): string {
  return `${file}:${refLines.get(ref) ?? 1}`;
}

/**
 * The model that a `ref()`, or a name in a properties file, means.
 * @param name a model's name, or its schema and name
 * @param ids of all models
 * @param spelling how to write the one model that is meant, where several have the name
 * @returns its id, or what is wrong with the name
 */
export function resolveRef(
  name: readonly string[],
  ids: ReadonlySet<string>,
  spelling: (id: string) => string = refTo,
): { id: string } | { problem: string } {
  const written = name.join('.');
  const found =
    name.length === 2
      ? [written].filter((id) => ids.has(id))
      : [...ids].filter((id) => id.slice(id.indexOf('.') + 1) === written).sort();
  const [only, second] = found;
  if (only === undefined) return { problem: `there is no model ${written}${didYouMean(written, ids)}` };
  if (second === undefined) return { id: only };
  return { problem: `${written} could be ${found.join(' or ')}: write ${found.map(spelling).join(' or ')}` };
}

function refTo(id: string): string {
  const [schema, name] = id.split('.');
  return `ref('${schema}', '${name}')`;
}

/** A feed that is read, and where. */
interface Reader {
  /** Of the model. */
  id: string;
  file: string;
  sources: readonly { group: string; feed: string; line: number }[];
}

/**
 * The names in `source()` that mean nothing, which only those who know the feeds can tell.
 * @param known every feed that is documented, was staged, or is named at `feeds:` of a source, as `group.feed`
 */
export function unknownSources({ id, file, sources }: Reader, known: ReadonlySet<string>): ModelProblem[] {
  return sources
    .map((source) => ({ name: feedId(source), line: source.line }))
    .filter(({ name }) => !known.has(name) && !known.has(firstVersion(name)))
    .map(({ name, line }) => ({
      file,
      line,
      models: [id],
      message: `there is no feed ${name}${didYouMean(name, known)}: nobody documents it, and nothing has come of it`,
    }));
}

/** A later version of a feed may come before anybody documents it. The first has no number in its name. */
function firstVersion(name: string): string {
  return name.replace(/__v(?!1$)[^_]+$/, '');
}

function feedId({ group, feed }: { group: string; feed: string }): string {
  return `${group}.${feed}`;
}
