import { count } from '../../text.ts';
import type { Documentation, DocumentedFeed } from '../documentation.ts';
import { type Html, html } from '../html.ts';
import { drawLineage, type Lineage, neighbourhood } from '../lineage.ts';
import { breakable, feedLink, feedMark, inline, modelLink, number, prose } from './words.ts';

/** All feeds, and how fresh each is. */
export function feedList({ feeds }: Documentation): Html {
  return html`<section class="part" id="feeds" data-title="Feeds">
<h1>Feeds</h1>
<div class="lead"><p>What the vendor sends. A feed is as fresh as its newest complete partition.</p></div>
<h3>Freshness <small>${number(feeds.length)}</small></h3>
<div class="panel"><table><tr><th>Feed</th><th>State</th><th>Newest partition</th><th class="number">Every</th><th class="number">Staged</th><th class="number">Rejected</th><th>What a record is</th></tr>
${feeds.map(
  (each) =>
    html`<tr><td class="id">${feedLink(`${each.group}.${each.feed}`)}</td><td>${stateOf(each)}</td><td class="time">${newest(each)}</td><td class="number">${cadence(each)}</td><td class="number">${number(each.facts?.staged)}</td><td class="number">${number(each.facts?.rejected)}</td><td class="says">${each.spec?.description ?? html`<span class="none">Not documented.</span>`}</td></tr>`,
)}</table></div>
</section>`;
}

/** The section of the page about one feed. */
export function feedSection(documented: DocumentedFeed, lineage: Lineage): Html {
  const { group, feed, spec, facts, readers } = documented;
  const id = `${group}.${feed}`;
  const columns = spec?.columns ?? [];
  return html`<section class="part" id="feed/${id}" data-title="${id}">
<h1><span class="schema">${group}.</span>${feed}</h1>
<div class="lead">${spec ? prose(spec.description) : html`<p class="none">No document lists this feed.</p>`}</div>
<div class="chips"><span class="chip feed">feed</span>${stateOf(documented)}${newest(documented) && html`<span class="chip">newest partition ${newest(documented)} UTC</span>`}${cadence(documented) && html`<span class="chip">every ${cadence(documented)}</span>`}${facts && html`<span class="chip">${count(facts.staged, 'row')} staged</span>`}${facts && facts.rejected > 0 && html`<span class="chip warn">${number(facts.rejected)} rejected</span>`}</div>
<h3>Lineage</h3>
<div class="panel">${drawLineage(neighbourhood(lineage, [`feed ${id}`]), `feed ${id}`)}</div>
<h3>Read by</h3>
<div class="list">${readers.map(modelLink)}${readers.length === 0 && html`<span class="none">No model.</span>`}</div>
<h3>Documented columns <small>${number(columns.length)}</small></h3>
${
  columns.length > 0 &&
  html`<div class="panel"><table><tr><th>Column</th><th>Staged as</th><th>Description</th><th>Personal data</th></tr>${columns.map(
    ({ name, type, description, pii }) =>
      html`<tr data-column="${name}"><td class="id"><span class="name">${breakable(name)}</span>${spec?.key.includes(name) && html`<span class="key" title="Part of the key">key</span>`}</td><td class="type name">${type}</td><td class="says">${inline(description)}</td><td>${pii}</td></tr>`,
  )}</table></div>`
}
</section>`;
}

function stateOf({ facts }: DocumentedFeed): Html {
  return facts ? feedMark(facts.state) : html`<span class="chip">nothing yet</span>`;
}

/** To the minute. */
function newest({ facts }: DocumentedFeed): string {
  return facts?.newestPartition?.slice(0, 16) ?? '';
}

function cadence({ spec }: DocumentedFeed): string {
  const minutes = spec?.cadenceMinutes;
  if (minutes === undefined) return '';
  if (minutes % 1440 === 0) return minutes === 1440 ? 'day' : `${minutes / 1440} days`;
  if (minutes % 60 === 0) return minutes === 60 ? 'hour' : `${minutes / 60} hours`;
  return `${minutes} minutes`;
}
