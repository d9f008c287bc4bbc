SELECT source, feed, column_name, kind, before, after, decision FROM ops.schema_changes ORDER BY ALL
