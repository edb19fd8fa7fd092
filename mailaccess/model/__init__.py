"""Floor 0: values that every room speaks of. Standard library only; no I/O, no clock.

ids        UIDs, message sequence numbers, mod-sequences as distinct types
flags      system flags and keywords
names      mailbox names, hierarchy, the INBOX rule
sequence   sequence sets as written, and sets of UIDs with their arithmetic
criteria   the search tree
account    where an account lives on disk, and its limits
errors     what an engine may raise
secret     passwords and tokens that do not print
work       how an engine runs plain blocking code elsewhere
"""
