"""IMAP on the wire: framing, grammar, responses, rendering and the table of capabilities."""
