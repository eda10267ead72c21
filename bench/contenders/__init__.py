"""The contenders: Tailwire and its peers, and how each is started."""
