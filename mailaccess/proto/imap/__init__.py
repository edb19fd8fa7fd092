"""IMAP on the wire: framing, grammar, responses, rendering and the table of capabilities.

framing          octets -> commands, literals, streamed messages, raw lines
parse            a framed command -> commands.Request; raises only ParseError
tokens, mutf7    the small words;  search, fetch: grammars large enough for a file;  charsets: of SEARCH
commands/        a file for each family: frozen arguments and the rule that reads them
fetch_binary, fetch_facts    fetch items that have no handlers yet
responses        a frozen class for each response and response code;  responses_more: those of extensions
render           responses -> octets;  render_words, render_fetch, render_more: strings, FETCH, extensions
structure_render ENVELOPE, BODYSTRUCTURE, BODY of a message
status           the items of STATUS;  partial: windows of results
capabilities     which extensions are offered when
"""
