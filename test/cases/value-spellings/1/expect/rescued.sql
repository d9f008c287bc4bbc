SELECT issue_id, _rescued FROM loader.staging_messaging.issue_queues WHERE _rescued IS NOT NULL ORDER BY ALL
