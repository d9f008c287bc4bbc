import { DuckDBInstance } from '@duckdb/node-api';

/** Opens a DuckDB file as its documentation says, with nothing of ours: `node open-script.js FILE`. */
const instance = await DuckDBInstance.create(process.argv[2], { access_mode: 'READ_ONLY' });
const connection = await instance.connect();
await connection.runAndReadAll('SELECT 1');
instance.closeSync();
