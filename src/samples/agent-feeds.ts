/**
 * The feeds of agents' time, in windows of 15 minutes. A conversation counts as work once the agent has closed it, so a
 * window is exported again, with more in it, in the hour in which the last of its conversations closes.
 */

import { COMPANY, queues } from './company.ts';
import type { Assignment } from './conversation.ts';
import { nulls, type SampleFeed, type SampleRow, versions, type Window } from './feed.ts';
import type { Roster, Stretch } from './switchboard.ts';
import { HOUR, isoZulu, MINUTE, plainSeconds, QUARTER, quarterOf, SECOND, secondsBetween } from './times.ts';
import type { World } from './world.ts';

/** How far back an export looks for windows that have grown: no conversation is open for longer. */
const LOOK_BACK = HOUR;

/** Every window is worked through once more so long after its end, whether or not it has grown. */
const TAIL = 5 * MINUTE;

/** One agent's quarter of an hour. */
interface AgentWindow {
  roster: Roster;
  quarter: Window;
}

/** The part of one that was spent in one status. */
interface StatusWindow extends AgentWindow {
  stretch: Stretch;
  part: Window;
}

function agentWindows({ rosters }: World, { from, to }: Window): AgentWindow[] {
  const found: AgentWindow[] = [];
  for (const roster of rosters)
    for (let start = quarterOf(from); start < to; start += QUARTER) {
      const quarter = { from: start, to: start + QUARTER };
      if (roster.stretches.some((stretch) => overlap(stretch, quarter))) found.push({ roster, quarter });
    }
  return found;
}

function statusWindows(agentWindow: AgentWindow): StatusWindow[] {
  return agentWindow.roster.stretches.flatMap((stretch) => {
    const part = overlap(stretch, agentWindow.quarter);
    return part ? [{ ...agentWindow, stretch, part }] : [];
  });
}

function overlap(one: Window, other: Window): Window | undefined {
  const both = { from: Math.max(one.from, other.from), to: Math.min(one.to, other.to) };
  return both.from < both.to ? both : undefined;
}

/** The closed conversations of an agent that reached into a stretch of time. */
function workIn({ assignments }: Roster, part: Window, closedBefore: number): Window[] {
  return assignments.flatMap((assignment) => {
    const { at, dispositionedAt } = assignment;
    if (dispositionedAt === undefined || dispositionedAt >= closedBefore) return [];
    return overlap({ from: at, to: dispositionedAt }, part) ?? [];
  });
}

/** Seconds in which there was at least one conversation, and seconds of all conversations together. */
function utilised(work: Window[]): { linear: number; cumulative: number } {
  let linear = 0;
  let reached = 0;
  for (const { from, to } of work.toSorted((a, b) => a.from - b.from)) {
    linear += Math.max(0, to - Math.max(from, reached));
    reached = Math.max(reached, to);
  }
  const cumulative = work.reduce((sum, { from, to }) => sum + (to - from), 0);
  return { linear: linear / SECOND, cumulative: cumulative / SECOND };
}

/** When a window is sent, and again: at its end, soon after, and when a conversation that reached into it closes. */
function growth({ roster, quarter }: AgentWindow): number[] {
  const closings = roster.assignments
    .filter(({ at, dispositionedAt = at }) => overlap({ from: at, to: dispositionedAt }, quarter))
    .map(({ dispositionedAt }) => dispositionedAt as number);
  return [quarter.to - 1, quarter.to + TAIL, ...closings];
}

/** A feed of agents' windows: those of the exported hour, and earlier ones that have grown in it. */
function perWindow<Thing extends AgentWindow>(
  feed: Pick<SampleFeed, 'name' | 'every' | 'key'>,
  things: (agentWindow: AgentWindow) => Thing[],
  render: (thing: Thing, at: number) => SampleRow,
): SampleFeed {
  return {
    ...feed,
    group: 'messaging',
    rows: (world, window) => {
      const recent = agentWindows(world, { from: window.from - LOOK_BACK, to: window.to });
      return versions(recent.flatMap(things), window, growth, render);
    },
  };
}

const repActivity = perWindow(
  {
    name: 'rep_activity',
    every: 'hour',
    key: ['company_name', 'instance_ts', 'rep_id', 'status_id', 'in_status_starting_ts'],
  },
  statusWindows,
  ({ roster, quarter, stretch, part }, at) => {
    const { linear, cumulative } = utilised(workIn(roster, part, at));
    const inStatus = secondsBetween(part.from, part.to);
    const over = stretch.to < at ? stretch.to : undefined;
    const lastClosed = roster.assignments.findLast(({ dispositionedAt = at }) => dispositionedAt < at);
    return {
      instance_ts: plainSeconds(quarter.from),
      update_ts: plainSeconds(over ?? quarter.to),
      export_ts: plainSeconds(at),
      status_id: stretch.status.id,
      status_description: stretch.status.name,
      orig_status_description: stretch.status.name,
      in_status_starting_ts: plainSeconds(part.from),
      linear_ute_time: linear,
      cumul_ute_time: cumulative,
      unutilized_time: Math.round((inStatus - linear) * 1000) / 1000,
      window_status_time: inStatus,
      total_status_time: secondsBetween(stretch.from, over ?? quarter.to),
      max_slots: roster.rep.slots,
      status_end_ts: plainSeconds(over),
      // A bare number here, text in other feeds: the documents show both.
      rep_id: roster.rep.id,
      rep_name: roster.rep.name,
      company_name: COMPANY.name,
      desk_mode: roster.rep.mode,
      last_dispositioned_ts: plainSeconds(lastClosed?.dispositionedAt),
      ...nulls('agent_id', 'company_subdivision', 'company_segments', 'agent_name'),
    };
  },
);

const repUtilized = perWindow(
  {
    name: 'rep_utilized',
    every: 'hour',
    key: ['instance_ts', 'rep_id', 'desk_mode', 'max_slots', 'company_name'],
  },
  (agentWindow) => [agentWindow],
  (agentWindow, at) => {
    const { roster, quarter } = agentWindow;
    const { rep } = roster;
    const parts = statusWindows(agentWindow);
    const logged = (parts: StatusWindow[]) =>
      parts.reduce((sum, { part }) => sum + secondsBetween(part.from, part.to), 0);
    const worked = (parts: StatusWindow[]) => utilised(parts.flatMap(({ part }) => workIn(roster, part, at)));
    const free = parts.filter(({ stretch }) => stretch.status.available);
    const busy = parts.filter(({ stretch }) => !stretch.status.available);
    const whole = worked(parts);
    const inFree = worked(free);
    const inBusy = worked(busy);
    const labour = logged(free) + inBusy.cumulative;
    const full = rep.slots === 1 ? whole.linear : whole.cumulative - whole.linear;
    const light = whole.linear - full;
    const idle = logged(parts) - whole.linear;
    return {
      instance_ts: plainSeconds(quarter.from),
      update_ts: plainSeconds(quarter.to),
      export_ts: plainSeconds(at),
      company_id: COMPANY.id,
      rep_id: rep.id,
      rep_name: rep.name,
      max_slots: rep.slots,
      cum_logged_in_min: Math.round((logged(parts) * rep.slots) / 60),
      lin_logged_in_min: Math.round(logged(parts) / 60),
      cum_avail_min: Math.round((logged(free) * rep.slots) / 60),
      lin_avail_min: Math.round(logged(free) / 60),
      cum_busy_min: Math.round((logged(busy) * rep.slots) / 60),
      lin_busy_min: Math.round(logged(busy) / 60),
      cum_prebreak_min: 0,
      lin_prebreak_min: 0,
      cum_ute_total_min: minutes(whole.cumulative),
      lin_ute_total_min: minutes(whole.linear),
      cum_ute_avail_min: minutes(inFree.cumulative),
      lin_ute_avail_min: minutes(inFree.linear),
      cum_ute_busy_min: minutes(inBusy.cumulative),
      lin_ute_busy_min: minutes(inBusy.linear),
      cum_ute_prebreak_min: 0,
      lin_ute_prebreak_min: 0,
      labor_min: minutes(labour),
      busy_clicks_ct: busy.filter(({ stretch, part }) => stretch.from === part.from).length,
      ute_ratio: labour ? minutes((60 * whole.cumulative) / labour) : null,
      act_ratio: labour ? minutes((60 * inFree.cumulative) / labour) : null,
      company_name: COMPANY.name,
      desk_mode: rep.mode,
      lin_utilization_level_over_min: 0,
      lin_utilization_level_full_min: Math.round(full / 60),
      lin_utilization_level_light_min: Math.round(light / 60),
      workload_level_no_min: Math.round(idle / 60),
      workload_level_over_min: 0,
      workload_level_full_min: Math.round(full / 60),
      workload_level_light_min: Math.round(light / 60),
      flex_protect_min: 0,
      cum_weighted_seconds: Math.round(whole.cumulative),
      cum_ute_weighted_avail_unflexed_seconds: Math.round(inFree.cumulative),
      cum_weighted_inactive_seconds: 0,
      ...nulls('company_subdivision', 'company_segments', 'cum_weighted_min'),
    };
  },
);

/** Minutes with two digits, of seconds. */
function minutes(seconds: number): number {
  return Math.round((seconds / 60) * 100) / 100;
}

/**
 * For each queue and each of its agents, 15 minutes. The vendor describes this feed and publishes its key but not its
 * columns: the others are ours, after that description.
 */
const queueWfm: SampleFeed = {
  group: 'messaging',
  name: 'queue_wfm',
  every: 'quarter',
  key: ['instance_ts', 'queue_name', 'rep_id'],
  rows: (world, window) => {
    // The window before is sent along, with what has closed since.
    const recent = agentWindows(world, { from: window.from - QUARTER, to: window.to });
    return queues.flatMap((queue) => {
      const serving = recent.filter(({ roster }) => roster.rep.queues.includes(queue));
      return serving.map(({ roster, quarter }) => {
        const taken = roster.assignments.filter(
          (assignment) =>
            assignment.queue === queue && quarter.from <= assignment.at && assignment.at < quarter.to,
        );
        const closed = taken.filter(
          ({ dispositionedAt }) => dispositionedAt !== undefined && dispositionedAt < window.to,
        );
        return {
          instance_ts: isoZulu(quarter.from),
          company_id: COMPANY.id,
          queue_id: queue.id,
          queue_name: queue.name,
          rep_id: String(roster.rep.id),
          rep_name: roster.rep.name,
          assignments: taken.length,
          avg_handle_time_seconds: average(closed, ({ at, dispositionedAt = at }) => dispositionedAt - at),
          avg_wrap_time_seconds: average(
            closed,
            ({ at, dispositionedAt = at, lastCustomerAt = dispositionedAt }) =>
              dispositionedAt - lastCustomerAt,
          ),
          reps_in_queue: serving.filter((other) => other.quarter.from === quarter.from).length,
          company_name: COMPANY.name,
        };
      });
    });
  },
};

function average(assignments: Assignment[], milliseconds: (assignment: Assignment) => number): number | null {
  if (assignments.length === 0) return null;
  return (
    Math.round(assignments.reduce((sum, each) => sum + milliseconds(each), 0) / assignments.length) / SECOND
  );
}

export const agentFeeds: readonly SampleFeed[] = [repActivity, repUtilized, queueWfm];
