SELECT issue_id, _line FROM messaging.voice_intents ORDER BY ALL
