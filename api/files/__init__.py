"""The bytes of files, and what is made of pictures."""
