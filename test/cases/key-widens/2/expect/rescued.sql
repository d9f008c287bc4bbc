SELECT count(*) AS rescued FROM loader.staging_messaging.voice_intents WHERE _rescued IS NOT NULL
