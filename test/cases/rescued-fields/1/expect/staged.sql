SELECT rep_id, name, agent_id, max_slot, created_ts, _rescued FROM loader.staging_messaging.reps ORDER BY _line
