"""Looks at the pages behind links: fetches them within bounds, and reads what they say of themselves."""
