SELECT * FROM marts.intents_by_day ORDER BY ALL
