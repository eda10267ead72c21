"""Plain records that all layers share. All times in them are milliseconds since the Unix epoch, in UTC."""
