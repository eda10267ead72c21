"""Plain records that every layer shares."""
