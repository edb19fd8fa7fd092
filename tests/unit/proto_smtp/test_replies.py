from mailaccess.proto.smtp.replies import OK, Reply, capabilities


def test_replies_are_rendered_with_their_enhanced_code_on_every_line():
    assert OK.render() == b"250 2.0.0 OK\r\n"
    assert Reply(550, "5.1.1", "one\ntwo").render() == b"550-5.1.1 one\r\n550 5.1.1 two\r\n"
    assert capabilities("host", ["PIPELINING"]).render() == b"250-host\r\n250 PIPELINING\r\n"


def test_nothing_can_break_out_of_a_reply():
    assert Reply(501, "5.5.4", "a\rb\x00\x1b").render() == b"501 5.5.4 a?b??\r\n"
