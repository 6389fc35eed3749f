"""The commands by topic: what each is called, which options it has, and what it runs."""
