SELECT issue_id, voice_intent_code, _partition_ts, _line FROM loader.staging_messaging.voice_intents ORDER BY ALL
