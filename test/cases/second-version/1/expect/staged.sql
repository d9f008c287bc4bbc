SELECT * EXCLUDE (_loaded_at) FROM loader.staging_messaging.voice_intents__v2
