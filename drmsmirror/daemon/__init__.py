"""Keep a mirror current by itself, and let it be watched.

``health`` and ``metrics`` are used by themselves too: nothing is imported here.
"""
