SELECT issue_id, sender_id, utterance, _partition_ts FROM messaging.utterances ORDER BY ALL
