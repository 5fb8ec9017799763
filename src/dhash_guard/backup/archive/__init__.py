"""The archive: a zip that any tool opens, with a manifest that says what is in it and a hash that says it is whole."""
