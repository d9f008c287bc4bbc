import { describe, expect, test } from 'vitest';
import { assembleProject } from '../../src/models/assemble.ts';
import { type SelectionContext, selectModels } from '../../src/models/selection.ts';

/** Of the feeds of messaging, marts.calls and marts.waits are built; of both, marts.board. */
const project = (() => {
  const dedup = (feed: string) => `{{ config(materialized='dedup', unique_key='id') }}
select * from {{ source('messaging', '${feed}') }}`;
  const files: Record<string, string> = {
    'messaging/convos_metrics.sql': dedup('convos_metrics'),
    'messaging/convos_intents.sql': dedup('convos_intents'),
    'messaging/queues.sql': dedup('queues'),
    'ai_services/utterances.sql': `select * from {{ source('ai_services', 'utterances') }}`,
    'marts/daily/calls.sql': `{{ config(materialized='table', tags=['daily', 'nightly']) }}
select * from {{ ref('convos_metrics') }} join {{ ref('convos_intents') }} using (id)`,
    'marts/waits.sql': `{{ config(tags='hourly') }} select * from {{ ref('queues') }}`,
    'marts/board.sql': `{{ config(materialized='table') }}
select * from {{ ref('calls') }} join {{ ref('waits') }} using (id)`,
  };
  return assembleProject(
    Object.entries(files).map(([path, text]) => ({
      kind: 'model',
      layer: 0,
      file: `models/${path}`,
      path,
      text,
    })),
    [],
    { vars: {}, env: {}, secrets: [], targetName: 'test' },
  );
})();

const CONTEXT: SelectionContext = { models: project.models.values(), graph: project.graph };

function select(terms: string[], exclude: string[] = [], more: Partial<SelectionContext> = {}): string[] {
  return selectModels(terms, exclude, { ...CONTEXT, models: [...project.models.values()], ...more }).map(
    (id) => id.replace(/^(messaging|marts|ai_services)\./, ''),
  );
}

const CONVOS = ['convos_intents', 'convos_metrics'];

describe('a selection', () => {
  test.each([
    ['nothing', [], ['utterances', ...CONVOS, 'queues', 'calls', 'waits', 'board']],
    ['a name', ['queues'], ['queues']],
    ['schema.name', ['messaging.queues'], ['queues']],
    ['a pattern', ['convos_*'], CONVOS],
    ['a pattern of ids', ['messaging.*'], [...CONVOS, 'queues']],
    ['other patterns', ['[bc]oard', 'queue?'], ['queues', 'board']],
    ['a folder', ['marts'], ['calls', 'waits', 'board']],
    ['a folder inside', ['marts.daily'], ['calls']],
    ['everything above', ['+calls'], [...CONVOS, 'calls']],
    ['everything below', ['queues+'], ['queues', 'waits', 'board']],
    ['both', ['+waits+'], ['queues', 'waits', 'board']],
    ['steps above', ['1+board'], ['calls', 'waits', 'board']],
    ['steps below', ['queues+1'], ['queues', 'waits']],
    ['steps both ways', ['1+waits+1'], ['queues', 'waits', 'board']],
    [
      'what it is needed for, and all that needs',
      ['@queues'],
      [...CONVOS, 'queues', 'calls', 'waits', 'board'],
    ],
    ['a tag', ['tag:daily'], ['calls']],
    ['a tag and what is above', ['+tag:hourly'], ['queues', 'waits']],
    ['a path', ['path:models/marts'], ['calls', 'waits', 'board']],
    ['a path by its looks', ['./models/marts/daily/'], ['calls']],
    ['a file', ['models/marts/waits.sql'], ['waits']],
    ['a pattern of paths', ['models/*/w*.sql'], ['waits']],
    ['the models of a group', ['source:messaging'], [...CONVOS, 'queues']],
    ['the model of a feed and below', ['source:messaging.queues+'], ['queues', 'waits', 'board']],
    ['configuration', ['config.materialized:table'], ['calls', 'board']],
    ['or, by a space', ['queues waits'], ['queues', 'waits']],
    ['or, by arguments', ['queues', 'waits'], ['queues', 'waits']],
    ['and', ['marts,config.materialized:view'], ['waits']],
    ['and, with operators', ['+calls,source:messaging'], CONVOS],
    ['and within or', ['marts,tag:daily queues'], ['queues', 'calls']],
  ])('gives the models that it means: %s', (_, terms, ids) => {
    expect(select(terms)).toEqual(ids);
  });

  test('leaves out what is excluded', () => {
    expect(select([], ['marts', 'source:ai_services'])).toEqual([...CONVOS, 'queues']);
    expect(select(['+board'], ['queues+'])).toEqual([...CONVOS, 'calls']);
    expect(select(['queues'], ['queues'])).toEqual([]);
  });

  test('may be of what changed, and of what failed', () => {
    const modified = new Set(['marts.waits']);
    expect(select(['state:modified+'], [], { modified })).toEqual(['waits', 'board']);
    expect(select(['result:error'], [], { failed: new Set(['marts.calls']) })).toEqual(['calls']);
    expect(select(['state:modified,tag:daily'], [], { modified })).toEqual([]);
    expect(select(['result:error'], [], { failed: new Set() })).toEqual([]);
  });
});

describe('a selection that matches nothing', () => {
  test.each([
    [['queuse'], 'the selection queuse matches nothing (did you mean "queues"?)'],
    [
      ['+messaging.queuse+'],
      'the selection +messaging.queuse+ matches nothing (did you mean "messaging.queues"?)',
    ],
    [['tag:dayly'], 'the selection tag:dayly matches nothing (did you mean "daily"?)'],
    [['source:mesaging'], 'the selection source:mesaging matches nothing (did you mean "messaging"?)'],
    [['path:models/mart'], 'the selection path:models/mart matches nothing (did you mean "models/marts"?)'],
    [
      ['config.materialized:veiw'],
      'the selection config.materialized:veiw matches nothing (did you mean "view"?)',
    ],
    [['nothing_like_it'], 'the selection nothing_like_it matches nothing'],
    [
      ['tag:daily,tag:hourly'],
      'the selection tag:daily,tag:hourly matches nothing: no model is all of it at once',
    ],
    [
      ['tags:daily'],
      'there is no selection by "tags" (did you mean "tag"?): there are name, tag, path, source, config.KEY, state, result',
    ],
    [
      ['constructor:x'],
      'there is no selection by "constructor": there are name, tag, path, source, config.KEY, state, result',
    ],
    [['state:new'], 'there is no selection state:new: there is state:modified'],
    [['state:modified'], 'state:modified needs an earlier build, and there is none'],
    [['+'], '"+" is not a selection'],
    [['queues,'], '"" is not a selection'],
    [['[z-a]'], '"[z-a]" is not a pattern: the range in [ ] is the wrong way round'],
  ])('is refused with what was probably meant: %s', (terms, message) => {
    expect(() => select(terms)).toThrow(expect.objectContaining({ message, code: 'usage' }));
  });

  test('is refused among what is excluded, too', () => {
    expect(() => select([], ['queuse'])).toThrow(
      'the selection queuse matches nothing (did you mean "queues"?)',
    );
  });
});
