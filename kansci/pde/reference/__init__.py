"""Classical solutions of the same problems: the yardstick for networks and formulas."""
