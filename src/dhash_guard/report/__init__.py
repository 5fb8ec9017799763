"""Makes evidence readable: report, comment, job summary, terminal; reads nothing but evidence and samples."""
