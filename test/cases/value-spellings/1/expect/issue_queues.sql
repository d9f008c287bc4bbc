SELECT issue_id, instance_ts, abandoned, enqueue_time, queue_name, _line FROM messaging.issue_queues ORDER BY issue_id
