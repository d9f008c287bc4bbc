import { minuteText } from '../../text.ts';
import type { DocumentedModel, DocumentedTest } from '../documentation.ts';
import { type Html, html, raw } from '../html.ts';
import { anchorOf } from '../lineage.ts';

/** Words and marks that several parts of the page use. */

export function number(value: number | null | undefined): string {
  return value === null || value === undefined ? '' : value.toLocaleString('en-US');
}

/** To the minute, UTC. */
export function time(value: Date | undefined): string {
  return value ? minuteText(value) : '';
}

/** Text that a person wrote, as paragraphs with `code` in backticks. */
export function prose(text: string): Html {
  const paragraphs = text.split(/\n\s*\n/).filter((paragraph) => paragraph.trim() !== '');
  return html`${paragraphs.map((paragraph) => html`<p>${inline(paragraph)}</p>`)}`;
}

export function inline(text: string): readonly Html[] {
  return text
    .split(/(`[^`]+`)/)
    .map((part) => (/^`[^`]+`$/.test(part) ? html`<code>${part.slice(1, -1)}</code>` : html`${part}`));
}

/** The colour class of a model, the same as in the lineage picture. */
export function kindOf({ model }: DocumentedModel): 'dedup' | 'model' {
  return model.config.materialized === 'dedup' ? 'dedup' : 'model';
}

/** A name that may wrap after a `_` or a dot. */
export function breakable(name: string): Html {
  return html`${name.split(/(?<=[_.])/).map((part, index) => html`${index > 0 && raw('<wbr>')}${part}`)}`;
}

export function modelLink(id: string): Html {
  return html`<a href="${anchorOf('model', id)}" class="name">${breakable(id)}</a>`;
}

export function feedLink(id: string): Html {
  return html`<a href="${anchorOf('feed', id)}" class="name">${breakable(id)}</a>`;
}

/** A mark for a test's result. */
export function testMark({ test, result }: DocumentedTest): Html {
  if (!result || result.status === 'skipped') return html`<span class="chip">not run yet</span>`;
  switch (result.status) {
    case 'pass':
      return html`<span class="chip good">pass</span>`;
    case 'warn':
      return html`<span class="chip warn">warn</span>`;
    case 'fail':
      return html`<span class="chip ${test.severity === 'warn' ? 'warn' : 'bad'}">fail</span>`;
    case 'error':
      return html`<span class="chip bad">could not be run</span>`;
  }
}

/** A mark for a feed's state. */
export function feedMark(state: string): Html {
  return html`<span class="chip ${state === 'ok' ? 'good' : state === 'failing' ? 'bad' : 'warn'}">${state}</span>`;
}

/** What a test checks, in words. */
export function testWords({ test }: DocumentedTest): string {
  if (test.kind === 'singular' || test.kind === 'unreadable') return `no rows from ${test.name}`;
  if (test.kind === 'unit') return `unit test ${test.name}`;
  if (test.kind === 'dedup') {
    if (test.rule === 'key_unique') return `the key is unique: ${test.column}`;
    if (test.rule === 'key_not_null') return `the key has no NULL: ${test.column}`;
    return 'staged rows = kept + superseded';
  }
  const { check, where } = test.test;
  const among = where === undefined ? '' : `, where ${where}`;
  switch (check.kind) {
    case 'unique':
      return `unique: ${check.columns.join(', ')}${among}`;
    case 'not_null':
      return `never NULL: ${check.column}${among}`;
    case 'accepted_values':
      return `${check.column} is one of ${check.values.join(', ')}${among}`;
    case 'relationships': {
      const { to } = check;
      const parent = to.kind === 'model' ? to.id : to.kind === 'source' ? `${to.group}.${to.feed}` : 'this';
      return `${check.column} is there as ${parent}.${check.field}${among}`;
    }
    case 'expression':
      return `${[check.column, check.expression].filter(Boolean).join(' ')}${among}`;
  }
}
