SELECT feed, partition_ts FROM ops.partitions WHERE state = 'missing' ORDER BY ALL
