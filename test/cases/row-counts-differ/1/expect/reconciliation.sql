SELECT feed, source, export_date, exported_rows, received_rows, difference, reconciles, over FROM ops.reconciliation ORDER BY ALL
