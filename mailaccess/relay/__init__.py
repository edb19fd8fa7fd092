"""Mail to other domains. Until the road is built it is refused in clear words, never dropped."""
