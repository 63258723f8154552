"""The search for the law behind a table."""
