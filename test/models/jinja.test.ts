import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Globals, parseTemplate, relationOf, renderTemplate } from '../../src/models/jinja.ts';
import { ProjectError } from '../../src/models/problems.ts';

const MACROS = `-- helpers
{% macro hour(column, unit='hour') %}date_trunc('{{ unit }}', {{ column }}){% endmacro %}
{% macro columns() %}{% set names = [] %}
  {% for name in ['a', 'b'] %}{% do names.append(name) %}{% endfor %}
  {{ return(names) }}
{% endmacro %}
{% macro broken(column) %}
  {{ column }}
  {{ missing }}
{% endmacro %}
{% macro boxed() %}({{ caller() }}){% endmacro %}
{% macro endless() %}{{ endless() }}{% endmacro %}
`;

const GLOBALS: Globals = {
  ref: ([name]) => `"marts"."${name}"`,
  fail: () => {
    throw new Error('refused');
  },
  this: relationOf('"marts"."agents"', { schema: 'marts', name: 'agents' }),
};

function render(text: string, globals: Globals = GLOBALS) {
  const macros = [parseTemplate('models/macros/time.sql', MACROS, 'macros')];
  return renderTemplate(parseTemplate('models/marts/agents.sql', text, 'model'), globals, macros);
}

/** The one problem of a template. */
function problem(text: string): string {
  try {
    render(text);
  } catch (error) {
    if (error instanceof ProjectError) return error.message;
    throw error;
  }
  throw new Error(`${text} has no problem`);
}

describe('what people write in dbt', () => {
  test.each([
    ['keyword arguments', `{{ hour(unit='day', column='ts') }}`, `date_trunc('day', ts)`],
    ['a default argument', `{{ hour('ts') }}`, `date_trunc('hour', ts)`],
    ['an import', `{% import 'macros/time.sql' as time %}{{ time.hour('ts') }}`, `date_trunc('hour', ts)`],
    ['a from import', `{% from 'time.sql' import hour as h %}{{ h('ts') }}`, `date_trunc('hour', ts)`],
    ['a macro that returns a list', `{% for name in columns() %}{{ name }};{% endfor %}`, 'a;b;'],
    ['a call block', `{% call boxed() %}x{% endcall %}`, '(x)'],
    ['set and if', `{% set x = 2 %}{% if x > 1 %}many{% else %}one{% endif %}`, 'many'],
    ['a block set', `{% set x %}a{% endset %}{{ x }}{{ x == 'a' }}`, 'atrue'],
    [
      'a loop',
      `{% for x in [1, 2] %}{{ loop.index }}:{{ x }}{{ ', ' if not loop.last }}{% endfor %}`,
      '1:1, 2:2',
    ],
    ['pairs', `{% for a, b in [('x', 1), ('y', 2)] %}{{ a }}{{ b }} {% endfor %}`, 'x1 y2 '],
    ['items in their order', `{% for k, v in {'z': 1, 'a': 2}.items() %}{{ k }}{{ v }}{% endfor %}`, 'z1a2'],
    [
      'a namespace',
      `{% set n = namespace(x=1) %}{% for i in [1, 2] %}{% set n.x = n.x + i %}{% endfor %}{{ n.x }}`,
      '4',
    ],
    [
      'append',
      `{% set l = [] %}{% for i in range(3) %}{% do l.append(i) %}{% endfor %}{{ l | join(', ') }}`,
      '0, 1, 2',
    ],
    [
      'update',
      `{% set d = {'a': 1} %}{% do d.update({'b': 2}) %}{{ d.keys() | list | join }}{{ d.get('c', 3) }}`,
      'ab3',
    ],
    ['text methods', `{{ ','.join(['a', 'b']) }}{{ 'x,'.rstrip(',') }}{{ 'A'.lower() }}`, 'a,bxa'],
    ['membership', `{{ 'a' in ['a'] }} {{ 'b' not in ['a'] }}`, 'true true'],
    ['tests', `{% set x = none %}{{ x is none }} {{ y is defined }} {{ x is not none }}`, 'true false false'],
    ['a default', `{{ missing | default('d') }}`, 'd'],
    ['concatenation', `{{ 'a' ~ 1 }}`, 'a1'],
    ['values that are equal', `{{ [1] == [1] }} {{ 1 == '1' }}`, 'true false'],
    ['an empty list is false', `{% if [] %}yes{% else %}no{% endif %}`, 'no'],
    [
      'filters',
      `{{ ['a', 'b'] | map('upper') | join('+') }} {{ [1, 3] | max }} {{ [1, 2, 3] | select('odd') | list }}`,
      'A+B 3 [1, 3]',
    ],
    ['comments', `a{# {{ missing }} #}b`, 'ab'],
    ['whitespace control', `a\n{%- if true %}\n  b\n{%- endif %}`, 'a\n  b'],
    ['braces of SQL', `select '{"a": {"b": 1}}'`, `select '{"a": {"b": 1}}'`],
    ['this and its parts', `{{ this }} {{ this.schema }}.{{ this.name }}`, '"marts"."agents" marts.agents'],
    ['text as it is', `{{ "<a> & 'b'" }}`, `<a> & 'b'`],
  ])('is rendered here: %s', (_, text, sql) => {
    expect(render(text).sql).toBe(sql);
  });

  test('passes functions plain values, and keywords in the order they were written', () => {
    const calls: unknown[] = [];
    render(`{{ config('a', materialized='dedup', key=['x'], nothing=none, map={'z': 1, 'b': 2}) }}`, {
      config: (args, keywords) => {
        calls.push(args, keywords);
      },
    });
    expect(calls).toEqual([['a'], { materialized: 'dedup', key: ['x'], nothing: null, map: { z: 1, b: 2 } }]);
    expect(Object.keys((calls[1] as { map: object }).map)).toEqual(['z', 'b']);
  });

  test('lets a macro see the names of its own file, but not those of its caller', () => {
    expect(problem(`{% set missing = 1 %}{{ broken('x') }}`)).toMatch(
      /^models\/macros\/time\.sql:9: .*"missing"/,
    );
  });
});

describe('a problem', () => {
  test.each([
    ['an unknown name', 'a\n\n{{ nothing_like_it }}', 3, 'there is nothing called "nothing_like_it"'],
    [
      'an unknown name in a condition',
      '\n{% if nothing_like_it %}{% endif %}',
      2,
      'nothing called "nothing_like_it"',
    ],
    ['an unknown name in a long tag', `\n{{ ref(\n  'x',\n  nothing_like_it) }}`, 4, '"nothing_like_it"'],
    ['an unknown function', `\n{{ hourr('ts') }}`, 2, '"hourr" (did you mean "hour"?)'],
    ['an unknown filter', `\n{{ 'x' | nonsense }}`, 2, 'nonsense'],
    ['an unknown attribute', `{% set d = {'a': 1} %}\n{{ d.b }}`, 2, 'a mapping has no "b"'],
    ['an unknown method', `{% set l = [] %}\n{% do l.add(1) %}`, 2, 'a list has no "add"'],
    ['what a function refuses', '\n\n{% if true %}\n{{ fail() }}{% endif %}', 4, 'refused'],
    ['an empty tag', 'a\n{% if %}{% endif %}', 2, 'unexpected "%}"'],
    ['a bracket that is not closed', `a\n{{ ref('x' }}\nb`, 2, 'unexpected "}}"'],
    ['a tag that is not closed', `a\n{{ ref('x')\nb {{ this }}`, 2, 'this {{ is never closed'],
    ['a text that is not closed', `a\n{{ ref('x) }}\nb`, 2, 'never closed'],
    ['a comment that is not closed', 'a\n\n{# b', 3, 'comment'],
    ['an if that is not closed', 'a\n{% if true %}\nb\n', 2, 'no {% endif %}'],
    ['the wrong end', '{% if true %}\n{% for x in [] %}\n{% endif %}', 3, 'the {% for %} of line 2'],
    ['an end of nothing', 'a\n{% endif %}', 2, 'closes nothing'],
    ['an else of nothing', 'a\n{% else %}', 2, 'not inside an {% if %}'],
    ['an unknown statement', 'a\n{% snapshot x %}', 2, 'no statement {% snapshot %}'],
    ['a character that means nothing', 'a\n{{ 1 $ 2 }}', 2, '$'],
    ['an escape that is none', `a\n{{ '\\d' }}`, 2, '\\\\d'],
    ['an import without a name', `\n{% import 'time.sql' %}`, 2, `write {% import 'FILE' as NAME %}`],
    ['an import of no file', `\n{% import 'tiem.sql' as t %}`, 2, '"tiem.sql"'],
    ['too many arguments', `\n{{ hour(1, 2, 3) }}`, 2, '2 argument(s)'],
    ['the first of nothing', '\n{{ [] | first }}', 2, 'not empty'],
    ['windows line ends', 'a\r\nb\r\n{{ nothing_like_it }}\r\n', 3, 'nothing_like_it'],
    ['return outside a macro', '\n{{ return(1) }}', 2, 'inside a macro'],
  ])('names the file and the line: %s', (_, text, line, message) => {
    const found = problem(text);
    expect(found).toContain(message);
    expect(found).toMatch(new RegExp(`^models/marts/agents\\.sql:${line}: `));
  });

  test('names the macro where a macro is wrong', () => {
    expect(problem(`select 1\n{{ broken('x') }}`)).toMatch(/^models\/macros\/time\.sql:9: .*"missing"/);
  });

  test('names the model again after a macro has run', () => {
    expect(problem(`select 1\n\n{{ hour('x') ~ nothing_like_it }}`)).toMatch(
      /^models\/marts\/agents\.sql:3: /,
    );
  });

  test('is reported for a macro without an end, and for a range without a limit', () => {
    expect(problem('\n{{ endless() }}')).toMatch(/^models\/macros\/time\.sql:12: nested too deeply/);
    expect(problem('{{ range(1000000000) | list }}')).toContain('at most 1000000 numbers');
    expect(problem(`{{ ${'('.repeat(20_000)}1${')'.repeat(20_000)} }}`)).toContain('nested too deeply');
  });
});

describe('a template', () => {
  test.each([
    `{{ ''.constructor.constructor('return process')() }}`,
    `{{ ''['constructor'] }}`,
    '{{ [].constructor }}',
    '{{ {}.__proto__ }}',
    '{{ ref.constructor }}',
    '{{ ref.call }}',
    '{{ this.constructor }}',
    '{{ loop.__proto__ }}',
    '{{ process }}',
    '{{ globalThis }}',
    `{{ [] | map(attribute='constructor') | first }}`,
    `{{ [1] | toString }}`,
    `{{ 1 is constructor }}`,
  ])('cannot reach JavaScript by %s', (text) => {
    expect(() => render(text)).toThrow(ProjectError);
  });

  test('may have keys that mean something to JavaScript, which are keys like others', () => {
    expect(
      render(`{% set d = {'__proto__': 'x', 'constructor': 'y'} %}{{ d.__proto__ }}{{ d.constructor }}`).sql,
    ).toBe('xy');
    let got: unknown;
    render(`{{ config(a={'__proto__': {'polluted': 1}}) }}`, {
      config: (_, keywords) => {
        got = keywords.a;
      },
    });
    expect(Object.getPrototypeOf(got)).toBe(Object.prototype);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});

describe('a line of the SQL', () => {
  const lines = (text: string) => {
    const { sql, sourceLine } = render(text);
    return sql.split('\n').map((line, index) => [line.trim(), sourceLine(index + 1)]);
  };

  test('leads back to its line of the file, in text, loops and conditions', () => {
    expect(
      lines(`{{ ref('x') }}
select
  {% for i in [1, 2] -%}
  {{ i }} as c{{ i }},
  {% endfor -%}
  z
from t
{%- if true %}
where true
{%- endif %}
`),
    ).toEqual([
      ['"marts"."x"', 1],
      ['select', 2],
      ['1 as c1,', 4],
      ['2 as c2,', 4],
      ['z', 6],
      ['from t', 7],
      ['where true', 9],
    ]);
  });

  test('leads back to the one line of an expression that prints several', () => {
    expect(lines(`select\n{{ 'a\\nb' }}\nfrom t`)).toEqual([
      ['select', 1],
      ['a', 2],
      ['b', 2],
      ['from t', 3],
    ]);
  });

  test('leads back to the right line after macros, block sets and comments of several lines', () => {
    expect(
      lines(
        `{% set x %}\n1\n2\n{% endset %}\n{# a\nb #}\n{% macro own() %}\n3\n{% endmacro %}\nselect {{ own() }}\nfrom t`,
      ).slice(-4),
    ).toEqual([
      ['select', 10],
      ['3', 10],
      ['', 10],
      ['from t', 11],
    ]);
  });

  test('stays as it is in a text without tags', () => {
    const line = fc.string({ maxLength: 12 }).map((text) => text.replaceAll('{', '('));
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 6 }), (written) => {
        const { sql, sourceLine } = render(`${written.join('\n')}\n`);
        expect(sql).toBe(written.join('\n'));
        expect(written.map((_, index) => sourceLine(index + 1))).toEqual(
          written.map((_, index) => index + 1),
        );
      }),
    );
  });

  test('leads back to the nearest line when it is not there', () => {
    const { sourceLine } = render('a\nb');
    expect([sourceLine(0), sourceLine(9)]).toEqual([1, 2]);
  });
});
