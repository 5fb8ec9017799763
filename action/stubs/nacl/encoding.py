"""Empty on purpose: see the package."""
