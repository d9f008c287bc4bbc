SELECT run_id, model, materialized, status FROM ops.model_runs ORDER BY ALL
