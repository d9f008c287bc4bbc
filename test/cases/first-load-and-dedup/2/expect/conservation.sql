SELECT kind, received, kept, left_out, holds FROM ops.conservation ORDER BY ALL
