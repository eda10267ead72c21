"""How often, how much at once and how many: rates, throttles, concurrency, caps and memory."""
