"""Who somebody is: accounts, sessions, passwords and tokens."""
