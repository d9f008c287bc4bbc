SELECT feed_group, feed, version, field FROM ops.undeclared_fields ORDER BY ALL
