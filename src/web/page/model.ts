import { groupBy } from '../../group-by.ts';
import type { Model } from '../../models/model.ts';
import { ruleLines } from '../../models/rule.ts';
import { count } from '../../text.ts';
import type { Documentation, DocumentedColumn, DocumentedModel } from '../documentation.ts';
import { type Html, html } from '../html.ts';
import { drawLineage, type Lineage, neighbourhood } from '../lineage.ts';
import {
  breakable,
  feedLink,
  inline,
  kindOf,
  modelLink,
  number,
  prose,
  testMark,
  testWords,
  time,
} from './words.ts';

/** The section of the page about one model. */
export function modelSection(documented: DocumentedModel, lineage: Lineage): Html {
  const { model, description, columns, tests, children, compiled } = documented;
  return html`<section class="part" id="model/${model.id}" data-title="${model.id}">
<h1><span class="schema">${model.schema}.</span>${model.name}</h1>
<div class="lead">${description === '' ? html`<p class="none">No description.</p>` : prose(description)}</div>
<div class="chips">${chips(documented)}</div>
${documented.lastBuild?.status === 'failed' && html`<div class="message">${documented.lastBuild.message}</div>`}
<h3>Lineage</h3>
<div class="panel">${drawLineage(neighbourhood(lineage, [model.id]), model.id)}</div>
${ruleSection(model)}
<h3>Columns <small>${columns.length === 0 ? 'not known before it is built' : number(columns.length)}</small></h3>
${columns.length > 0 && html`<div class="panel"><table><tr><th>Column</th><th>Type</th><th>Description</th><th>Tests</th></tr>${columns.map((column) => columnRow(column, documented))}</table></div>`}
<h3>Tests <small>${number(tests.length)}</small></h3>
${
  tests.length > 0
    ? html`<div class="panel"><table><tr><th>Outcome</th><th>Holds when</th><th>Severity</th><th>Run</th><th>Name</th></tr>${tests.map(
        (each) =>
          html`<tr><td>${testMark(each)}</td><td class="says">${testWords(each)}${each.result?.message && each.result.status !== 'pass' && html`<br><span class="none">${each.result.message}</span>`}</td><td>${each.test.severity}</td><td class="time">${time(each.result?.finished_at)}</td><td class="type name">${breakable(each.test.name)}</td></tr>`,
      )}</table></div>`
    : html`<p class="none">None.</p>`
}
<h3>Reads</h3>
<div class="list">${[...model.sources.map(({ group, feed }) => feedLink(`${group}.${feed}`)), ...model.refs.map(modelLink)]}${model.sources.length + model.refs.length === 0 && html`<span class="none">Nothing.</span>`}</div>
<h3>Read by</h3>
<div class="list">${children.map(modelLink)}${children.length === 0 && html`<span class="none">No other model.</span>`}</div>
<h3>SQL <small>${model.file}</small></h3>
<div class="panel"><details open><summary>As written</summary><pre>${model.template.trim()}</pre></details></div>
<div class="panel"><details><summary>As it is rendered</summary><pre>${compiled.trim()}</pre></details></div>
</section>`;
}

const RULE_WORDS = {
  unique_key: 'Records are told apart by',
  order_by: 'The latest is the one with the highest',
};

/** The rule of a dedup model, and what decided it. */
function ruleSection(model: Model): Html | false {
  const lines = ruleLines(model);
  return (
    lines.length > 0 &&
    html`<h3>Which version counts</h3>
<div class="panel"><table><tr><th>Rule</th><th>Columns</th><th>Decided by</th></tr>${lines.map(
      ({ name, columns, from }) =>
        html`<tr><td>${RULE_WORDS[name]}</td><td class="name">${breakable(columns.join(', ') || 'none')}</td><td class="says">${from}</td></tr>`,
    )}</table></div>`
  );
}

function chips(documented: DocumentedModel): Html[] {
  const { model, lastBuild } = documented;
  const { config } = model;
  return [
    html`<span class="chip ${kindOf(documented)}">${config.materialized}</span>`,
    ...('order_by' in config && config.order_by.length > 0
      ? [html`<span class="chip">latest by ${config.order_by.join(', ')}</span>`]
      : []),
    ...model.tags.map((tag) => html`<span class="chip">${tag}</span>`),
    buildChip(lastBuild),
    ...(lastBuild?.status === 'built'
      ? [
          html`<span class="chip">${count(lastBuild.rows_kept ?? 0, 'row')}</span>`,
          html`<span class="chip">built ${time(lastBuild.finished_at)} UTC</span>`,
        ]
      : []),
  ];
}

function buildChip(lastBuild: DocumentedModel['lastBuild']): Html {
  if (!lastBuild) return html`<span class="chip">not built yet</span>`;
  return lastBuild.status === 'failed'
    ? html`<span class="chip bad">failed</span>`
    : html`<span class="chip good">${lastBuild.status}</span>`;
}

function columnRow({ name, type, description }: DocumentedColumn, { model, tests }: DocumentedModel): Html {
  const key = 'unique_key' in model.config ? (model.config.unique_key ?? []) : [];
  const about = tests.filter(({ test }) => test.kind === 'generic' && test.column === name);
  return html`<tr data-column="${name}"><td class="id"><span class="name">${breakable(name)}</span>${key.includes(name) && html`<span class="key" title="Part of the key">key</span>`}</td><td class="type name">${type}</td><td class="says">${inline(description)}</td><td>${about.map(
    ({ test, result }) =>
      html`<span class="chip ${markOf(result?.status)}" title="${testWords({ test, result })}">${test.kind === 'generic' ? test.test.check.kind.replaceAll('_', ' ') : ''}</span> `,
  )}</td></tr>`;
}

function markOf(status: string | undefined): string {
  if (status === 'pass') return 'good';
  return status === 'warn' ? 'warn' : status === 'fail' || status === 'error' ? 'bad' : '';
}

/** The models for the list beside the page: by schema, those that are built from others first. */
export function schemasOf({ models }: Documentation): [string, DocumentedModel[]][] {
  const schemas = groupBy(models, ({ model }) => model.schema);
  const feeds = (list: readonly DocumentedModel[]) =>
    list.every(({ model }) => model.config.materialized === 'dedup');
  return [...schemas]
    .map(([schema, list]): [string, DocumentedModel[]] => [
      schema,
      list.toSorted((a, b) => (a.model.name < b.model.name ? -1 : 1)),
    ])
    .sort(([a, x], [b, y]) => Number(feeds(x)) - Number(feeds(y)) || (a < b ? -1 : 1));
}
