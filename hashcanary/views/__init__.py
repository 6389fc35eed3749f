"""One file a question: its answer as tables and sentences, once, for whoever shows it."""
