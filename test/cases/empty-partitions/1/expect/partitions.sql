SELECT feed, version, partition_ts, state, files, rows FROM ops.partitions ORDER BY ALL
