"""FETCH: its items, its sections, and producing them piece by piece."""
