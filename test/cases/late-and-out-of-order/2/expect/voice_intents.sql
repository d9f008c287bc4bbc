SELECT issue_id, voice_intent_code, instance_ts, _partition_ts, _line FROM messaging.voice_intents ORDER BY ALL
