SELECT issue_id, score, _partition_ts FROM messaging.issue_sentiment
