"""A process beside the server that does the store's heavy plain Python: ``process`` starts and asks it, ``work`` is
what it does, ``__main__`` is its loop. Nothing depends on it: what it does not answer is done in the server.
"""
