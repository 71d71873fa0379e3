"""What DRMS means: pure, without I/O, SQL or HTTP."""
