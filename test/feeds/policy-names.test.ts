import { expect, test } from 'vitest';
import { checkPolicyNames } from '../../src/feeds/policy-names.ts';

const SOURCES = [
  { name: 'messaging', group: 'messaging' },
  { name: 'archive', group: 'messaging' },
  { name: 'voice', group: 'calls' },
];
const FEEDS = [
  { group: 'messaging', name: 'rep_convos', columns: ['rep_id', 'first_response_seconds'] },
  { group: 'messaging', name: 'rep_convos__v2', columns: [] },
  { group: 'calls', name: 'legs', columns: ['leg_id'] },
];

const looked = (selector: string) =>
  checkPolicyNames({ [selector]: { type_changed: 'hold' } }, SOURCES, FEEDS);

test.each([
  '*',
  'messaging',
  '*.rep_convos',
  'archive.Rep_Convos',
  'messaging.rep_convos__v2',
  'messaging.rep_convos.rep_id',
  'messaging.rep_convos.*',
  '*.*.rep_id',
  // A column to come.
  'messaging.rep_convos.mood',
])('a rule for %s may apply', (selector) => {
  expect(looked(selector)).toEqual({ misspelled: [], unknown: [] });
});

test.each([
  ['messaging.rep_convo', 'names no feed that there is; did you mean rep_convos?'],
  ['*.rep_covnos', 'names no feed that there is; did you mean rep_convos?'],
  ['messaging.rep_convos.rep_idd', 'names no column of rep_convos; did you mean rep_id?'],
])('a rule for %s is a slip, and what was meant is said', (selector, message) => {
  expect(looked(selector)).toEqual({ misspelled: [{ selector, message }], unknown: [] });
});

test.each(['messaging.surveys', 'voice.rep_convos', 'messaging.surveys.score'])(
  'a rule for %s may be for a feed to come, and is reported as such',
  (selector) => {
    expect(looked(selector)).toEqual({ misspelled: [], unknown: [selector] });
  },
);
