import { type Queue, queues, type Rep } from './company.ts';
import type { Assignment } from './conversation.ts';
import { DAY, HOUR, MINUTE, SECOND } from './times.ts';

/** A stretch of an agent's day in one status. */
export interface Stretch {
  status: { id: string; name: string; available: boolean };
  from: number;
  to: number;
}

/** An agent's working days, in order of time, and the conversations that they had. */
export interface Roster {
  rep: Rep;
  stretches: Stretch[];
  assignments: Assignment[];
}

const AVAILABLE = { id: '1', name: 'Available', available: true };
const LUNCH = { id: '3', name: 'Away', available: false };
const BREAK = { id: '4', name: 'Coffee Break', available: false };

/** Who is there when: a shift a day with lunch in the middle and a short break after. */
export function rosters(reps: readonly Rep[], from: number, days: number): Roster[] {
  return reps.map((rep, index) => {
    const stretches: Stretch[] = [];
    for (let day = from; day < from + days * DAY; day += DAY) {
      // Nobody logs in on the stroke of the hour.
      const login = day + rep.shift[0] * HOUR - (4 + index) * MINUTE + (index * 7 + 11) * SECOND;
      const logout = day + rep.shift[1] * HOUR + (3 + index) * MINUTE + 5 * SECOND;
      const lunch = login + 3.5 * HOUR + index * 10 * MINUTE;
      const coffee = lunch + 2 * HOUR + 5 * MINUTE;
      const marks = [login, lunch, lunch + 30 * MINUTE, coffee, coffee + 15 * MINUTE, logout];
      for (const [nth, status] of [AVAILABLE, LUNCH, AVAILABLE, BREAK, AVAILABLE].entries())
        stretches.push({ status, from: marks[nth] as number, to: marks[nth + 1] as number });
    }
    return { rep, stretches, assignments: [] };
  });
}

/** An agent's slot that will take the call, and when. */
export interface Connection {
  roster: Roster;
  slot: number;
  at: number;
}

/** Gives waiting customers to agents: first come, first served, to whoever is free soonest. */
export class Switchboard {
  readonly #rosters: readonly Roster[];
  /** Until when each slot of each agent is taken. */
  readonly #taken: Map<Roster, number[]>;

  constructor(agents: readonly Roster[]) {
    this.#rosters = agents;
    this.#taken = new Map(agents.map((agent) => [agent, Array<number>(agent.rep.slots).fill(0)]));
  }

  /**
   * The soonest an agent of this queue can take a customer who comes at `at`; `closed` when nobody is in.
   * @param except the agent who hands the customer on
   */
  connect(queue: Queue, at: number, except?: Rep): Connection | 'closed' {
    const serving = this.#rosters.filter(({ rep }) => rep !== except && rep.queues.includes(queue));
    if (!serving.some(({ stretches }) => stretches.some(({ from, to }) => from <= at && at < to)))
      return 'closed';
    // A free agent still has to notice and pick up.
    const ringing = 3 * SECOND + (at % (20 * SECOND));
    let best: Connection | undefined;
    for (const roster of serving)
      for (const [slot, takenUntil] of (this.#taken.get(roster) as number[]).entries()) {
        const ready = Math.max(at + ringing, takenUntil + SECOND);
        const stretch = roster.stretches.find(({ status, to }) => status.available && to > ready);
        if (!stretch) continue;
        const soonest = Math.max(ready, stretch.from + SECOND);
        if (!best || soonest < best.at) best = { roster, slot, at: soonest };
      }
    return best ?? 'closed';
  }

  /** Keeps the slot for an assignment until the agent has closed it. */
  occupy({ roster, slot }: Connection, assignment: Assignment, until: number): void {
    roster.assignments.push(assignment);
    (this.#taken.get(roster) as number[])[slot] = until;
  }

  /** Another queue of the same kind, to hand a customer on to. */
  anotherQueue(queue: Queue): Queue {
    const alike = queues.filter(({ mode }) => mode === queue.mode);
    return alike[(alike.indexOf(queue) + 1) % alike.length] as Queue;
  }
}
