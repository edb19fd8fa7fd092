"""A message is looked at before anybody has it: who sent it, what others think of it, and our own signature.

api             what a screen is given and what it may say; a screen of one's own is written against it
chain           ``Screening``: the screens in order, bounded in time, none of whose failures loses mail
authentication  SPF, DKIM and DMARC into an Authentication-Results field (RFC 8601), with:
spf, dkim, dmarc, results
rspamd          asks rspamd over HTTP
callables       Python functions named in the configuration
signing         DKIM signatures of what our accounts send; keys: their files and DNS records
canonical       what DKIM hashes, piece by piece

Nothing here is made, and no message is held, where the configuration asks for none of it.
"""
