SELECT conversation_id, message_id, utterance, dt, hr, _partition_ts FROM ai_services.utterances ORDER BY ALL
