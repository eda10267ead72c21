"""The wire: commands, events, close codes and the fields in them; pure."""
