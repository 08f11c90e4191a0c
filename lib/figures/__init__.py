"""Plot functions: data frames or arrays in, a matplotlib figure out; one style for all."""
