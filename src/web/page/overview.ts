import type { Documentation } from '../documentation.ts';
import { type Html, html } from '../html.ts';
import { drawLineage, type Lineage, withoutOwnDedup } from '../lineage.ts';
import { modelLink, number, testMark, testWords, time } from './words.ts';

/** The first section of the page: how much there is, its state, and the lineage. */
export function overview(documentation: Documentation, lineage: Lineage): Html {
  const { models, feeds, tests, lastRun, title, generatedAt } = documentation;
  const built = models.filter(({ lastBuild }) => lastBuild?.status === 'built').length;
  const trouble = tests.filter(({ result }) => result && !['pass', 'skipped'].includes(result.status));
  const broken = models.filter(({ lastBuild }) => lastBuild?.status === 'failed');
  const run = tests.filter(({ result }) => result && result.status !== 'skipped').length;
  const late = feeds.filter(({ facts }) => facts && facts.state !== 'ok').length;
  const seen = feeds.filter(({ facts }) => facts).length;
  const shown = withoutOwnDedup(lineage);
  return html`<section class="part" id="overview" data-title="Overview">
<h1>${title || 'asapp-warehouse'}</h1>
<div class="lead"><p>Feeds are staged as they come, deduplicated into one table each, and made into tables for analysis.</p></div>
<div class="cards">
<div class="card"><b>${number(models.length)}</b><span>models, ${number(built)} built</span></div>
<div class="card"><b>${number(feeds.length)}</b><span>feeds, ${number(seen)} with data</span></div>
<div class="card"><b>${number(tests.length)}</b><span>tests, ${number(run)} run, ${trouble.length === 0 ? 'none in trouble' : `${number(trouble.length)} in trouble`}</span></div>
<div class="card"><b>${number(late)}</b><span>feeds to look at</span></div>
<div class="card"><b>${lastRun ? time(lastRun.started_at).slice(5) : '–'}</b><span>${lastRun ? `last build (${lastRun.command}), UTC` : 'nothing was built yet'}</span></div>
</div>
${
  broken.length > 0 &&
  html`<h3>Models that failed</h3><div class="panel"><table><tr><th>Model</th><th>Message</th></tr>${broken.map(
    ({ model, lastBuild }) =>
      html`<tr><td>${modelLink(model.id)}</td><td class="says"><div class="message">${lastBuild?.message}</div></td></tr>`,
  )}</table></div>`
}
${
  trouble.length > 0 &&
  html`<h3>Tests in trouble</h3><div class="panel"><table><tr><th>Outcome</th><th>Test</th><th>Model</th><th>Message</th></tr>${trouble.map(
    (each) =>
      html`<tr><td>${testMark(each)}</td><td class="says">${testWords(each)}</td><td>${each.test.model && modelLink(each.test.model)}</td><td class="says">${each.result?.message}</td></tr>`,
  )}</table></div>`
}
<h3>Lineage <small>what is made from what</small></h3>
${
  shown.nodes.size > 0
    ? html`<div class="panel">${drawLineage(shown)}</div>`
    : html`<p class="none">No model is made from others yet: each feed has its deduped table.</p>`
}
<div class="legend"><span><i class="dot feed"></i>feed, as staged</span><span><i class="dot dedup"></i>deduped table</span><span><i class="dot model"></i>model</span>${
    shown.nodes.size < lineage.nodes.size &&
    html`<span>Left out: feeds and deduped tables that no other model reads</span>`
  }</div>
<footer>Written by asapp-warehouse docs generate, ${time(generatedAt)} UTC. All times are UTC.</footer>
</section>`;
}
