"""The hash supply curve: who pays, who is under water, what leaves for good."""
