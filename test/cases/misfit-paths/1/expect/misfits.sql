SELECT path, reason FROM ops.misfits ORDER BY path
