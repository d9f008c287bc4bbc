SELECT feed, newest_partition_ts FROM ops.freshness
