/**
 * The script of the page: it shows one section at a time, by the address; searches; switches between light and dark;
 * and highlights what a node of the lineage is joined to. Without it all sections are shown below each other.
 *
 * Plain JavaScript for the browser. Whatever it writes comes from the page itself, and is set as text only.
 */
export const SCRIPT = `
'use strict';
const root = document.documentElement;
const remember = (value) => { try { return value === undefined ? localStorage.getItem('theme') : localStorage.setItem('theme', value); } catch { return null; } };
const dark = matchMedia('(prefers-color-scheme: dark)');
const paint = () => { root.dataset.theme = remember() ?? (dark.matches ? 'dark' : 'light'); };
paint();
dark.addEventListener('change', paint);

addEventListener('DOMContentLoaded', () => {
  document.body.classList.remove('plain');
  const parts = [...document.querySelectorAll('section.part')];
  const nav = document.querySelector('nav');
  const search = document.querySelector('input[type=search]');
  const contents = nav.querySelector('.contents');
  const results = nav.querySelector('.results');

  document.querySelector('button.theme').addEventListener('click', () => {
    remember(root.dataset.theme === 'dark' ? 'light' : 'dark');
    paint();
  });

  const decoded = () => { try { return decodeURIComponent(location.hash.slice(1)); } catch { return ''; } };
  function show() {
    const [id, column] = decoded().split('#');
    const part = parts.find((each) => each.id === id) ?? parts[0];
    for (const each of parts) each.classList.toggle('shown', each === part);
    for (const link of contents.querySelectorAll('a')) {
      const here = link.dataset.part === part.id;
      link.classList.toggle('here', here);
      if (here) link.scrollIntoView({ block: 'nearest' });
    }
    part.querySelector('.lineage .current')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    for (const row of document.querySelectorAll('tr.found')) row.classList.remove('found');
    const row = column && [...part.querySelectorAll('tr[data-column]')].find((each) => each.dataset.column === column);
    if (row) { row.classList.add('found'); row.scrollIntoView({ block: 'center' }); } else scrollTo(0, 0);
    document.title = part.dataset.title + ' · asapp-warehouse';
  }
  addEventListener('hashchange', show);
  show();

  const index = JSON.parse(document.getElementById('index').textContent);
  const MOST = 60;
  function find(words) {
    const has = (text) => words.every((word) => text.includes(word));
    const byName = [], byColumn = [], byText = [];
    for (const part of index) {
      if (has(part.name.toLowerCase())) byName.push({ part });
      else if (has((part.name + ' ' + part.says).toLowerCase())) byText.push({ part });
      for (const column of part.columns) if (has(column.toLowerCase())) byColumn.push({ part, column });
    }
    return [...byName, ...byColumn, ...byText];
  }
  function look() {
    const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
    contents.hidden = words.length > 0;
    results.hidden = words.length === 0;
    const found = words.length > 0 ? find(words) : [];
    const heading = document.createElement('h2');
    heading.textContent = found.length === 0 ? 'nothing found' : found.length + ' found';
    results.replaceChildren(heading, ...found.slice(0, MOST).map(({ part, column }) => {
      const link = document.createElement('a');
      const dot = document.createElement('i');
      const name = document.createElement('span');
      const where = document.createElement('small');
      dot.className = 'dot ' + part.kind;
      name.textContent = column ?? part.name;
      where.textContent = column === undefined ? part.kind : part.name;
      link.href = '#' + encodeURIComponent(part.id + (column === undefined ? '' : '#' + column));
      link.append(dot, name, where);
      return link;
    }));
  }
  search.addEventListener('input', look);
  search.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') results.querySelector('a')?.click();
    if (event.key === 'Escape') { search.value = ''; look(); search.blur(); }
    if (event.key === 'ArrowDown') { results.querySelector('a')?.focus(); event.preventDefault(); }
  });
  results.addEventListener('keydown', (event) => {
    const to = { ArrowDown: 'nextElementSibling', ArrowUp: 'previousElementSibling' }[event.key];
    if (!to) return;
    const next = document.activeElement[to];
    (next?.tagName === 'A' ? next : search).focus();
    event.preventDefault();
  });
  addEventListener('keydown', (event) => {
    if (event.key === '/' && document.activeElement !== search) { search.focus(); event.preventDefault(); }
  });

  for (const svg of document.querySelectorAll('.lineage svg')) {
    const edges = [...svg.querySelectorAll('.edges path')];
    const reach = (id, start, end) => {
      const nodes = new Set([id]), lit = new Set();
      for (const node of nodes) for (const edge of edges) if (edge.dataset[start] === node) { nodes.add(edge.dataset[end]); lit.add(edge); }
      return { nodes, lit };
    };
    const trace = (id) => {
      const up = reach(id, 'to', 'from'), down = reach(id, 'from', 'to');
      svg.classList.toggle('traced', id !== undefined);
      for (const node of svg.querySelectorAll('.node')) node.classList.toggle('lit', up.nodes.has(node.dataset.id) || down.nodes.has(node.dataset.id));
      for (const edge of edges) edge.classList.toggle('lit', up.lit.has(edge) || down.lit.has(edge));
    };
    svg.addEventListener('pointerover', (event) => trace(event.target.closest?.('.node')?.dataset.id));
    svg.addEventListener('pointerleave', () => trace(undefined));
    svg.addEventListener('focusin', (event) => trace(event.target.closest?.('.node')?.dataset.id));
    svg.addEventListener('focusout', () => trace(undefined));
  }
});
`;
