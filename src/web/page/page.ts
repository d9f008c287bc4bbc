import { createHash } from 'node:crypto';
import type { Documentation } from '../documentation.ts';
import { type Html, html, raw } from '../html.ts';
import { anchorOf, lineageOf } from '../lineage.ts';
import { feedList, feedSection } from './feeds.ts';
import { modelSection, schemasOf } from './model.ts';
import { overview } from './overview.ts';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';
import { breakable, kindOf, number } from './words.ts';

/**
 * The documentation as one self-contained HTML page: it opens from disk, and loads nothing from the network. Names and
 * descriptions are always escaped, and a content security policy allows no script but the page's own. Pure.
 */
export function page(documentation: Documentation): string {
  const lineage = lineageOf(documentation);
  const { models, feeds, title } = documentation;
  const script = createHash('sha256').update(SCRIPT).digest('base64');
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${script}'; base-uri 'none'; form-action 'none'`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="asapp-warehouse">
<title>${[title, 'asapp-warehouse'].filter(Boolean).join(' · ')}</title>
<style>${raw(STYLE)}</style>
<script>${raw(SCRIPT)}</script>
</head>
<body class="plain">
<aside>
<header>
<div class="top"><a class="home" href="#overview">asapp-warehouse</a><button type="button" class="theme" title="Light or dark">◐</button></div>
<p>${title}</p>
<input type="search" placeholder="Search models and columns  /" aria-label="Search models and columns">
</header>
<nav><div class="results" hidden></div><div class="contents">${contents(documentation)}</div></nav>
</aside>
<main>
${overview(documentation, lineage)}
${feedList(documentation)}
${models.map((each) => modelSection(each, lineage))}
${feeds.map((each) => feedSection(each, lineage))}
</main>
<script type="application/json" id="index">${raw(index(documentation))}</script>
</body>
</html>
`.text;
}

function contents(documentation: Documentation): Html {
  const { feeds } = documentation;
  const link = (id: string, href: string, kind: string, name: string, more: string) =>
    html`<a href="${href}" data-part="${id}"><i class="dot ${kind}"></i><span>${breakable(name)}</span><small>${more}</small></a>`;
  return html`<a href="#overview" data-part="overview"><span>Overview</span></a><a href="#feeds" data-part="feeds"><span>Feeds</span><small>${number(feeds.length)}</small></a>
${schemasOf(documentation).map(
  ([schema, models]) =>
    html`<h2>${schema}</h2>${models.map((each) => {
      const { id, name } = each.model;
      const rows = each.lastBuild?.status === 'built' ? number(each.lastBuild.rows_kept) : '';
      return link(`model/${id}`, anchorOf('model', id), kindOf(each), name, rows);
    })}`,
)}
<h2>feeds</h2>${feeds.map(({ group, feed }) => {
    const id = `${group}.${feed}`;
    return link(`feed/${id}`, anchorOf('feed', id), 'feed', feed, group);
  })}`;
}

/** The search index, as JSON that can be embedded in a page. */
function index({ models, feeds }: Documentation): string {
  const parts = [
    ...models.map((each) => ({
      id: `model/${each.model.id}`,
      kind: kindOf(each),
      name: each.model.id,
      says: each.description,
      columns: each.columns.map(({ name }) => name),
    })),
    ...feeds.map(({ group, feed, spec }) => ({
      id: `feed/${group}.${feed}`,
      kind: 'feed',
      name: `${group}.${feed}`,
      says: spec?.description ?? '',
      columns: [],
    })),
  ];
  return JSON.stringify(parts).replace(/[<>&\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
