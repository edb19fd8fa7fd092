"""Makes ``twistd mailaccess`` known; Twisted imports this module to list its plugins, so it loads nothing."""

from twisted.application.service import ServiceMaker

mailaccess = ServiceMaker(
    "mailaccess", "mailaccess.service.maker", "IMAP, POP3, SMTP, submission and LMTP", "mailaccess"
)
