SELECT source, feed_group, feed, lines FROM ops.files ORDER BY ALL
