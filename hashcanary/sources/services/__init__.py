"""Public services over HTTP: block explorers, vendors of daily series, exchanges."""
