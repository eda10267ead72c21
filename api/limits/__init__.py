"""How often, how much at once and how many: rates, throttles, caps and memory."""
