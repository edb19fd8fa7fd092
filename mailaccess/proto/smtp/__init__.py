"""SMTP and LMTP on the wire: lines, DATA, paths and parameters, replies and enhanced codes."""
