"""What a store promises: `Store`, and one part of it for each noun, in the file of that noun."""
