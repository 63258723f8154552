"""Networks with derivatives by their inputs and, row by row, by their weights."""
