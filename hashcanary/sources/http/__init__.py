"""A client of HTTP servers: bounded in time and size, patient, its answers kept where asked."""
