"""Functions of coordinates that stand for signals: coordinate networks and tensor-product splines."""
