SELECT rep_id, name, agent_id, max_slot, created_ts FROM messaging.reps ORDER BY ALL
