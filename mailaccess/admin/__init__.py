"""The operator's commands: ``mailadm NOUN VERB``, as text or JSON."""
