SELECT rep_id, name, _rescued FROM loader.staging_messaging.reps WHERE _partition_ts = '2026-01-06'
