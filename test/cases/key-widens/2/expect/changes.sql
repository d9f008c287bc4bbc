SELECT count(*) AS applied FROM ops.schema_changes WHERE decision = 'applied'
