"""SMTP and LMTP on the wire: lines, DATA, paths and parameters, replies and enhanced codes.

address    ``local-part@domain`` as a value: quoted local parts, comparison, how it is written
framing    octets in; command lines, the content of DATA and the chunks of BDAT out
commands   a frozen class per command and the rule that reads it
unitext    addresses beyond ASCII where only ASCII may stand
replies    reply codes with enhanced status codes, rendered

Why not ``twisted.mail.smtp``: its server answers out of order when a client pipelines behind a RCPT whose
answer is awaited (its line receiver goes on with the next line while the Deferred waits), it ends DATA at
a lone ``.`` after a bare LF, and it knows neither SIZE, PIPELINING, enhanced codes, SMTPUTF8 nor LMTP.
"""
