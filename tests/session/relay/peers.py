"""Another mail server that says what a test wants, and a relay with a name server beside it, on loopback."""

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.names import dns
from twisted.protocols.basic import LineReceiver

from mailaccess.admin.labdns import NameServer
from mailaccess.config.sections import Relay as Settings
from mailaccess.net.threads import Threads
from mailaccess.observe.events import Recorder
from mailaccess.relay.dialer import make_dialer
from mailaccess.relay.routes import Routes
from mailaccess.relay.runner import Relay
from mailaccess.spool.envelope import Recipient
from mailaccess.spool.queue import Queue
from mailaccess.spool.spool import Spool


class PeerProtocol(LineReceiver):
    def connectionMade(self):
        self.in_data = self.mail = False
        self.accepted = []
        self.peer.connections += 1
        self.peer.clients.append(getattr(self.transport.getPeer(), "host", ""))
        self.say(self.peer.greeting)

    def say(self, text):
        self.sendLine(text)
        if text.startswith(b"421"):
            self.transport.loseConnection()

    def lineReceived(self, line):
        if self.in_data:
            if line == b".":
                self.in_data = False
                self.peer.messages.append(b"".join(self.content))
                for each in self.accepted if self.peer.lmtp else [b"."]:
                    self.say(self.reply(each and b"." + each[3:] if self.peer.lmtp else each))
                self.accepted = []
                self.peer.told()
            else:
                self.content.append((line[1:] if line.startswith(b".") else line) + b"\r\n")
            return
        self.peer.lines.append(line)
        verb = line.split(b":")[0].split()[0].upper()
        if verb == b"STARTTLS":
            self.sendLine(b"220 go on")
            self.transport.startTLS(self.peer.tls)
        elif verb == (b"LHLO" if self.peer.lmtp else b"EHLO"):
            for each in (b"peer", *self.peer.offers):
                self.sendLine(b"250-" + each)
            self.sendLine(b"250 HELP")
        elif verb == b"DATA":
            ready = self.accepted or self.peer.eager
            answer = self.reply(line, b"354 go on" if ready else b"503 5.5.1 no valid recipients")
            self.in_data = answer.startswith(b"354")
            self.content = []
            self.say(answer)
        elif verb == b"QUIT":
            self.sendLine(b"221 bye")
            self.transport.loseConnection()
        elif verb == b"MAIL":
            answer = self.reply(line)
            self.mail = answer.startswith(b"2")
            self.accepted = []
            self.say(answer)
        elif verb == b"RCPT":
            answer = self.reply(line) if self.mail else b"503 5.5.1 MAIL first"
            self.accepted += [line] if answer.startswith(b"2") else []
            self.say(answer)
        else:
            self.say(self.reply(line))

    def reply(self, line, good=b"250 2.0.0 fine"):
        for beginning, answer in self.peer.answers.items():
            if line.startswith(beginning):
                return answer
        return good


class Peer(Factory):
    """answers: by the beginning of a line (``.`` the message's end) what is said instead of 250.

    eager: DATA is taken without a recipient, too.
    lmtp: a reply for each recipient after the content, found by ``.T TO:<...``.  tls: for STARTTLS.
    """

    protocol = PeerProtocol
    noisy = False

    def __init__(self):
        self.greeting = b"220 peer ESMTP"
        self.offers = [b"PIPELINING", b"SIZE 100000", b"8BITMIME", b"SMTPUTF8"]
        self.answers = {}
        self.lines = []
        self.messages = []
        self.connections = 0
        self.clients = []
        self.lmtp = False
        self.eager = False
        self.tls = None
        self._waiting = []
        self.listening = None

    def buildProtocol(self, address):
        made = super().buildProtocol(address)
        made.peer = self
        return made

    def start(self, port=0, interface="127.0.0.1"):
        self.listening = reactor.listenTCP(port, self, interface=interface)
        return self.listening.getHost().port

    def told(self):
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(None)


class Road:
    """A relay whose DNS knows naver.com at the peer, and domains that do not work."""

    def __init__(self, tmp_path, **settings):
        self.tmp_path = tmp_path
        self.peer = Peer()
        self.settings = settings
        self.log = Log()
        self.reports = []
        self.now = 1764028800.0
        self.report_fails = None
        a = dns.Record_A("127.0.0.1", ttl=60)
        self.zones = {
            "naver.com": {"naver.com": [dns.Record_MX(10, "mx.naver.com")], "mx.naver.com": [a]},
            "null.kr": {"null.kr": [dns.Record_MX(0, "")]},
        }
        self.options = {}
        self.logins = {}

    async def start(self):
        self.names = NameServer(self.zones)
        dns_port = self.names.listen(reactor)
        port = self.peer.start()
        self.threads = Threads(reactor, 2)
        self.spool = Spool(Queue(self.tmp_path / "queue", sync=False), self.threads, now=lambda: self.now)
        settings = Settings(dns=(f"127.0.0.1:{dns_port}",), port=port, **self.settings)
        common = (settings, self.threads, self.log, reactor)
        dialer = make_dialer(
            *common,
            hostname="mail.daum.net",
            is_own=lambda name: name == "mail.daum.net",
            now=lambda: self.now,
            **self.options,
        )
        self.relay = Relay(
            self.spool,
            *common,
            routes=Routes(settings, logins=self.logins),
            dialer=dialer,
            hostname="mail.daum.net",
            report=self.report,
            now=lambda: self.now,
        )
        self.relay.own()
        await self.relay.start()

    async def report(self, sender, octets):
        if self.report_fails is not None:
            raise self.report_fails
        self.reports.append((sender, octets.decode()))

    async def stop(self):
        await self.relay.stop()
        await self.peer.listening.stopListening()
        await self.names.stop()
        await self.threads.idle()
        self.threads.stop()

    async def put(self, *recipients, octets=b"Subject: x\r\n\r\nhello\r\n", sender="kim@daum.net", **options):
        incoming = self.spool.begin()
        await incoming.write(octets)
        found = tuple(each if isinstance(each, Recipient) else Recipient(each) for each in recipients)
        return (await incoming.commit(sender, found, **options)).id

    def tries(self, id):
        return [fields for event, _, fields in self.log.events if fields.get("queue_id") == id]

    async def later(self, seconds):
        self.now += seconds
        self.relay._pump()


class Log(Recorder):
    """A log on whose events a test can wait."""

    def __init__(self):
        super().__init__()
        self._waiting = []

    def log(self, event, level=None, /, **fields):
        self.events.append((event, level, fields))
        for each in [each for each in self._waiting if each[0] == event]:
            self._waiting.remove(each)
            each[1].callback(fields)

    async def wait(self, event, count=1):
        """Until the event has come ``count`` times in all; its last fields."""
        while sum(name == event for name, _, _ in self.events) < count:
            waiting = Deferred()
            self._waiting.append((event, waiting))
            waiting.addTimeout(60, reactor)
            await waiting
        return next(fields for name, _, fields in reversed(self.events) if name == event)
