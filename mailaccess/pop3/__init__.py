"""The POP3 conversation: authorization, transaction and update states."""
