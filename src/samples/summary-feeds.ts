/** The feeds of what the AI wrote about conversations, and what agents made of it. */

import { editDistance } from '../text.ts';
import { dayAndHour, ids } from './ai-feed.ts';
import type { Assignment, Conversation, Summary } from './conversation.ts';
import { type SampleFeed, type SampleRow, versions } from './feed.ts';
import { plainMicrosOffset, quarterOf } from './times.ts';
import type { World } from './world.ts';

/** One summary of one assignment. */
interface Summarised {
  conversation: Conversation;
  assignment: Assignment;
  summary: Summary;
}

function summaries({ conversations }: World): Summarised[] {
  return conversations.flatMap((conversation) =>
    conversation.opportunities.flatMap(({ assignment }) =>
      assignment ? [{ conversation, assignment, summary: assignment.summary }] : [],
    ),
  );
}

function about({ conversation, assignment }: Summarised, at: number): SampleRow {
  return {
    instance_ts: plainMicrosOffset(quarterOf(at)),
    ...ids(conversation),
    agent_id: assignment.rep.crmId,
    ...dayAndHour(at),
  };
}

/** The moments after `first` at which the vendor sends a summary again. */
function later({ conversation, summary }: Summarised, first: number): number[] {
  return [first, summary.feedback?.at, conversation.reprocessedAt].filter(
    (at) => at !== undefined && at >= first,
  ) as number[];
}

const freeText: SampleFeed = {
  group: 'ai_services',
  name: 'autosummary_free_text',
  every: 'day',
  key: ['company_marker', 'conversation_id', 'summary_id'],
  rows: (world, window) =>
    versions(
      summaries(world),
      window,
      (each) => later(each, each.summary.at),
      (each, at) => {
        const { summary } = each;
        if (summary.at >= at) return undefined;
        const feedback = summary.feedback && summary.feedback.at < at ? summary.feedback : undefined;
        const [before, after] = [sentences(summary.text), sentences(feedback?.text ?? '')];
        const without = (left: string[], right: string[]) =>
          left.filter((sentence) => !right.includes(sentence)).join(' ');
        return {
          ...about(each, summary.at),
          summary_id: summary.id,
          autosummary_free_text_ts: plainMicrosOffset(summary.at),
          autosummary_free_text: summary.text,
          is_autosummary_feedback_used: Number(feedback !== undefined),
          is_autosummary_feedback_edited: Number(feedback !== undefined && feedback.text !== summary.text),
          autosummary_free_text_length: feedback ? summary.text.length : null,
          autosummary_feedback_length: feedback ? feedback.text.length : null,
          autosummary_levenshtein_distance: feedback ? editDistance(summary.text, feedback.text) : null,
          autosummary_sentences_removed: feedback ? without(before, after) : null,
          autosummary_sentences_added: feedback ? without(after, before) : null,
        };
      },
    ),
};

const feedback: SampleFeed = {
  group: 'ai_services',
  name: 'autosummary_feedback',
  every: 'day',
  key: ['company_marker', 'conversation_id', 'summary_id'],
  rows: (world, window) =>
    versions(
      summaries(world).filter(({ summary }) => summary.feedback),
      window,
      (each) => later(each, each.summary.feedback?.at as number),
      (each, at) => {
        const { feedback, id } = each.summary;
        if (!feedback || feedback.at >= at) return undefined;
        return {
          ...about(each, feedback.at),
          summary_id: id,
          autosummary_feedback_ts: plainMicrosOffset(feedback.at),
          autosummary_feedback: feedback.text,
        };
      },
    ),
};

const QUESTIONS = [
  {
    id: 'q_issue_escalated',
    name: 'Issue escalated',
    category: 'Outcome',
    answer: ({ assignment }: Summarised) => (assignment.outcome === 'transferred' ? 'Yes' : 'No'),
  },
  {
    id: 'q_issue_resolved',
    name: 'Issue resolved',
    category: 'Outcome',
    answer: ({ assignment }: Summarised) => (assignment.outcome === 'resolved' ? 'Yes' : 'No'),
  },
  {
    id: 'e_contact_reason',
    name: 'Contact reason',
    category: 'Reason',
    answer: ({ conversation }: Summarised) => conversation.intent.name,
  },
];

const structuredData: SampleFeed = {
  group: 'ai_services',
  name: 'autosummary_structured_data',
  every: 'day',
  key: ['company_marker', 'conversation_id', 'structured_data_id', 'structured_data_field_id'],
  rows: (world, window) =>
    versions(
      summaries(world).flatMap((each) => QUESTIONS.map((question) => ({ ...each, question }))),
      window,
      (each) => later(each, each.summary.at),
      ({ question, ...each }, at) =>
        each.summary.at >= at
          ? undefined
          : {
              ...about(each, each.summary.at),
              structured_data_id: each.summary.structuredId,
              structured_data_ts: plainMicrosOffset(each.summary.at),
              structured_data_field_id: question.id,
              structured_data_field_name: question.name,
              structured_data_field_value: question.answer(each),
              structured_data_field_category: question.category,
            },
    ),
};

function sentences(text: string): string[] {
  return text.split(/(?<=\.) /).filter(Boolean);
}

export const summaryFeeds: readonly SampleFeed[] = [freeText, feedback, structuredData];
