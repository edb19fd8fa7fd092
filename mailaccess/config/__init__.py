"""Settings: a frozen class per section, read from one TOML file; errors name file, line, key and value."""
