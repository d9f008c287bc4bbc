SELECT state, count(*) AS partitions, min(partition_ts) AS first, max(partition_ts) AS last FROM ops.partitions GROUP BY state ORDER BY state
