"""The figures that are kept, and the tables and charts made from them."""
