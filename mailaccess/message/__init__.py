"""RFC 5322 and MIME as octets and offsets: headers, addresses, dates, structure, bodies. No I/O."""
