/** The style of the page, light and dark, for wide and narrow screens. */
export const STYLE = `
:root {
  --ground: #f6f7f9; --panel: #ffffff; --text: #1c2430; --soft: #5b6675; --faint: #8a94a3; --line: #e2e6ec;
  --link: #1f5fbf; --hover: #eef2f8; --mark: #fff1b8; --code: #f3f5f8;
  --feed: #9a6700; --feed-ground: #fff6df; --dedup: #1f5fbf; --dedup-ground: #eaf2ff; --model: #7a3fb8; --model-ground: #f5edff;
  --good: #1a7f4b; --good-ground: #e3f6ec; --warn: #8a5a00; --warn-ground: #fff1d6; --bad: #b42335; --bad-ground: #ffe7ea;
  --shadow: 0 1px 2px rgb(20 30 45 / 6%), 0 1px 8px rgb(20 30 45 / 4%);
  color-scheme: light;
}
:root[data-theme="dark"] {
  --ground: #12161c; --panel: #1a2028; --text: #e4e9f0; --soft: #a3aebd; --faint: #76818f; --line: #2b333e;
  --link: #82b1ff; --hover: #232b36; --mark: #5a4a12; --code: #141a21;
  --feed: #e3b341; --feed-ground: #2e2612; --dedup: #82b1ff; --dedup-ground: #16263f; --model: #c79bff; --model-ground: #2a1c3f;
  --good: #5fd39a; --good-ground: #12301f; --warn: #f0b64a; --warn-ground: #33270d; --bad: #ff8a97; --bad-ground: #3a161b;
  --shadow: none;
  color-scheme: dark;
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--text);
  font: 14px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 4px; }
code, pre, .name { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
code { font-size: .92em; background: var(--code); padding: .08em .35em; border-radius: 4px; }
aside {
  position: fixed; inset: 0 auto 0 0; width: 290px; display: flex; flex-direction: column;
  background: var(--panel); border-right: 1px solid var(--line);
}
aside header { padding: 18px 18px 12px; }
aside header .top { display: flex; align-items: center; justify-content: space-between; gap: 8px; }
aside header a.home { color: var(--text); font-weight: 650; font-size: 15px; }
aside header p { margin: 2px 0 12px; color: var(--soft); font-size: 13px; overflow-wrap: anywhere; }
aside input {
  width: 100%; padding: 8px 10px; font: inherit; color: inherit; background: var(--ground);
  border: 1px solid var(--line); border-radius: 8px;
}
aside button {
  border: 1px solid var(--line); background: none; color: var(--soft); border-radius: 8px; padding: 3px 8px;
  font: inherit; font-size: 13px; cursor: pointer;
}
aside button:hover { background: var(--hover); }
aside nav { overflow-y: auto; padding: 0 10px 24px; flex: 1; }
aside nav h2 {
  margin: 16px 8px 4px; font-size: 11px; letter-spacing: .06em; text-transform: uppercase; color: var(--faint);
}
aside nav a {
  display: flex; align-items: baseline; gap: 8px; padding: 3px 8px; border-radius: 6px; color: var(--text); font-size: 13px;
  overflow-wrap: anywhere;
}
aside nav a:hover { background: var(--hover); text-decoration: none; }
aside nav a.here { background: var(--hover); font-weight: 600; }
aside nav .results a { flex-wrap: wrap; gap: 0 8px; }
aside nav .results a span { width: calc(100% - 16px); }
aside nav a small { margin-left: auto; color: var(--faint); white-space: nowrap; font-weight: 400; }
aside nav .results a small { margin-left: 16px; white-space: normal; }
.dot { flex: none; width: 8px; height: 8px; border-radius: 50%; align-self: center; background: var(--faint); }
.dot.feed { background: var(--feed); } .dot.dedup { background: var(--dedup); } .dot.model { background: var(--model); }
main { margin-left: 290px; padding: 28px 36px 80px; max-width: 1500px; }
section.part { display: none; scroll-margin-top: 40px; }
section.part.shown, body.plain section.part { display: block; }
body.plain section.part { margin-bottom: 72px; }
h1 { margin: 0 0 4px; font-size: 24px; font-weight: 650; line-height: 1.25; overflow-wrap: anywhere; }
h1 .schema { color: var(--faint); font-weight: 400; }
.chips + .message { margin-top: 12px; }
h3 { margin: 30px 0 10px; font-size: 15px; font-weight: 650; }
h3 small { color: var(--faint); font-weight: 400; margin-left: 6px; }
.lead { max-width: 80ch; color: var(--soft); font-size: 15px; margin: 8px 0 0; }
.lead p { margin: 0 0 8px; }
.chips { display: flex; flex-wrap: wrap; gap: 6px; margin: 12px 0 0; }
.chip {
  display: inline-block; padding: 1px 8px; border-radius: 999px; font-size: 12px; white-space: nowrap;
  background: var(--hover); color: var(--soft);
}
.chip.feed { background: var(--feed-ground); color: var(--feed); }
.chip.dedup { background: var(--dedup-ground); color: var(--dedup); }
.chip.model { background: var(--model-ground); color: var(--model); }
.chip.good { background: var(--good-ground); color: var(--good); }
.chip.warn { background: var(--warn-ground); color: var(--warn); }
.chip.bad { background: var(--bad-ground); color: var(--bad); }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(170px, 1fr)); gap: 12px; margin: 22px 0 0; }
.card { background: var(--panel); border: 1px solid var(--line); border-radius: 10px; padding: 12px 16px; box-shadow: var(--shadow); }
.card b { display: block; font-size: 20px; white-space: nowrap; font-weight: 650; font-variant-numeric: tabular-nums; }
.card span { color: var(--soft); font-size: 13px; }
.panel { background: var(--panel); border: 1px solid var(--line); border-radius: 10px; box-shadow: var(--shadow); overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: baseline; padding: 7px 14px; border-bottom: 1px solid var(--line); }
tr:last-child td { border-bottom: 0; }
th { font-size: 12px; font-weight: 600; color: var(--soft); white-space: nowrap; background: var(--ground); }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td .name { font-size: 13px; overflow-wrap: break-word; }
td.id { min-width: 230px; }
td.type { color: var(--soft); font-size: 12px; max-width: 260px; overflow-wrap: break-word; }
td.says { min-width: 260px; overflow-wrap: break-word; }
td.time { white-space: nowrap; color: var(--soft); }
tr.found td { background: var(--mark); }
.message { white-space: pre-wrap; font: 12px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; color: var(--bad); }
.key { color: var(--feed); font-size: 11px; margin-left: 6px; }
.none { color: var(--faint); }
.lineage { overflow-x: auto; padding: 6px 4px; }
.lineage svg { display: block; font-size: 12px; }
.lineage .edges path { fill: none; stroke: var(--faint); stroke-width: 1.2; opacity: .55; }
.lineage .node rect { fill: var(--panel); stroke: var(--line); }
.lineage .node text { fill: var(--text); }
.lineage .node:hover { text-decoration: none; }
.lineage .feed rect { fill: var(--feed-ground); stroke: color-mix(in srgb, var(--feed) 35%, transparent); }
.lineage .dedup rect { fill: var(--dedup-ground); stroke: color-mix(in srgb, var(--dedup) 35%, transparent); }
.lineage .model rect { fill: var(--model-ground); stroke: color-mix(in srgb, var(--model) 35%, transparent); }
.lineage .feed circle { fill: var(--feed); } .lineage .dedup circle { fill: var(--dedup); } .lineage .model circle { fill: var(--model); }
.lineage .node.current rect { stroke-width: 2.2; stroke: var(--text); }
.lineage svg.traced .node:not(.lit) { opacity: .28; }
.lineage svg.traced .edges path { opacity: .12; }
.lineage svg.traced .edges path.lit { opacity: 1; stroke: var(--link); stroke-width: 1.6; }
.legend { display: flex; gap: 16px; color: var(--soft); font-size: 12px; margin: 8px 0 0; flex-wrap: wrap; }
.legend span { display: inline-flex; gap: 6px; align-items: center; }
pre { margin: 0; padding: 14px 16px; overflow-x: auto; font-size: 12.5px; line-height: 1.55; tab-size: 2; }
details { margin-top: 10px; }
summary { cursor: pointer; padding: 9px 16px; color: var(--soft); font-size: 13px; }
details[open] summary { border-bottom: 1px solid var(--line); }
.list { display: flex; flex-wrap: wrap; gap: 6px 18px; }
.list a { display: inline-flex; align-items: center; gap: 7px; font-size: 13px; }
footer { margin-top: 56px; color: var(--faint); font-size: 12px; }
@media (max-width: 820px) {
  aside { position: static; width: auto; max-height: 46vh; border-right: 0; border-bottom: 1px solid var(--line); }
  main { margin-left: 0; padding: 20px 16px 60px; }
}
@media print {
  aside { display: none; } main { margin: 0; } section.part { display: block; break-after: page; }
}
`;
