"""Plain records that every layer shares. All times are whole milliseconds since the Unix epoch, in UTC."""
