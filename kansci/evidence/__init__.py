"""How far a formula can be trusted."""
