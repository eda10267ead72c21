"""Who is measured: Tailwire and its peers, and how each is started."""
