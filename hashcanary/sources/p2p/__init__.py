"""The Bitcoin peer-to-peer protocol, as far as block headers need it."""
