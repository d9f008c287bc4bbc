SELECT typeof(issue_id) AS type FROM messaging.voice_intents LIMIT 1
