"""The conformance kit: what every client and every server of Tailwire's protocol has to do, as programs that try it."""
