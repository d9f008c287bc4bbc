SELECT issue_id, status, score FROM messaging.issue_sentiment ORDER BY ALL
