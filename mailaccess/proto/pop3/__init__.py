"""POP3 on the wire: commands, replies, dot-stuffing.

grammar    lines in, a command and its arguments out; replies
stuffing   dot-stuffing of whole messages and of pieces, and the top of a message
"""
