"""The wire format: commands, events, close codes and their fields. Pure."""
