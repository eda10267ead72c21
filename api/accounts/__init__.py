"""Who somebody is: the services of accounts and sessions, for every door; passwords, tokens and guesses."""
