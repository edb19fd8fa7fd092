"""RFC 5322 and MIME as octets and offsets. No I/O, no clock; every function is linear in its input.

Wire form is what IMAP serves: CRLF line ends, but bare LF, bare CR and NUL are taken as they come.

structure   parse(wire) -> Part: the MIME tree; dump(part) -> octets, load(octets) -> Part for caches
part        Part: offsets, octets, lines, Content-* fields; part.walk()
headers     Header(octets): names, fields, first(name), all(name), select(names, inverted=...) for
            HEADER.FIELDS; unfolded(value), find_end(wire, start, limit)
envelope    envelope(Header) -> Envelope, rendered by proto.imap.structure_render
stored      dump, load, dump_envelope, load_envelope
body        section(root, path, "" | "MIME" | "HEADER" | "TEXT") -> Range(offset, length) | None;
            part_at(root, path) -> Part | None
address     parse(value) -> (Address(name, route, mailbox, host), ...) with group markers
mime        Content-Type, parameters (RFC 2231), dispositions, languages
text        search_text(wire, root) -> SearchText(headers, body) for TEXT and BODY; fold(text)
searchkeys  field_texts(Header, name) for FROM, SUBJECT, HEADER ...; sent_date for SENT*; for SORT and
            THREAD: sent, subject, first_mailbox, display_name, message_id, references
subject     base_subject(text) -> BaseSubject(text, is_reply)
preview     preview(wire, root) -> text of at most 256 characters
dates       parse(Date value) -> datetime with offset | None
words       decoded(value), one_line(value): RFC 2047 words as text
charset     decode(octets, name) -> text, for every charset of mail; codec(name)
transfer    decode(octets, encoding), decoder(encoding) for pieces; None where the encoding is unknown
lexical     atoms, comments, quoted strings, phrases, domains
"""
