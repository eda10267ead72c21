"""Who is connected, what they say, and what they hear."""
