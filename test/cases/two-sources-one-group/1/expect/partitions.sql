SELECT source, partition_ts, state, rows FROM ops.partitions ORDER BY ALL
