SELECT issue_id, voice_intent_code, instance_ts, _partition_ts, regexp_replace(path, '.*/', '') AS file, _line
FROM messaging.voice_intents JOIN ops.files ON file_id = _file_id ORDER BY ALL
