/** A question that somebody runs a contact centre by, and the query that answers it from the deduped tables. */
export interface SampleQuestion {
  title: string;
  sql: string;
}

/** What the demo asks of the sample feeds. All times are UTC. */
export const questions: readonly SampleQuestion[] = [
  {
    title: 'How many sessions are settled without an agent, by channel?',
    sql: `SELECT lower(last_platform) AS channel,
       count(*) AS sessions,
       count(*) FILTER (is_contained) AS contained,
       round(100.0 * count(*) FILTER (is_contained) / count(*), 1) AS contained_pct
FROM messaging.csid_containment
GROUP BY channel
ORDER BY contained_pct DESC, channel`,
  },
  {
    title: 'How long do customers wait for an agent, by hour of the day?',
    sql: `SELECT hour(enter_queue_ts) AS hour,
       count(*) AS queued,
       round(avg(enqueue_time)) AS avg_wait_s,
       round(max(enqueue_time)) AS longest_s,
       count(*) FILTER (abandoned) AS gave_up
FROM messaging.issue_queues
GROUP BY hour
ORDER BY hour`,
  },
  {
    title: 'How busy are agents while they are available, by hour of the day?',
    sql: `SELECT hour(instance_ts) AS hour,
       count(DISTINCT rep_id) AS agents,
       round(sum(window_status_time) / 3600, 1) AS available_h,
       round(100 * sum(linear_ute_time) / sum(window_status_time), 1) AS occupied_pct
FROM messaging.rep_activity
WHERE status_description = 'Available'
GROUP BY hour
HAVING sum(window_status_time) >= 3600
ORDER BY hour`,
  },
  {
    title: 'What do customers come for, and how content do they leave?',
    sql: `SELECT intents.name AS intent,
       count(*) AS conversations,
       round(100.0 * sum(metadata.escalated_to_chat) / count(*), 1) AS to_agent_pct,
       round(avg(metadata.csat_rating) / 100, 2) AS csat
FROM messaging.convos_intents AS conversations
JOIN messaging.convos_metadata AS metadata USING (issue_id)
JOIN messaging.intents AS intents ON intents.code = conversations.first_intent_code
GROUP BY intent
ORDER BY conversations DESC, intent`,
  },
];
