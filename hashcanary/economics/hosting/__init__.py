"""Mining against hosting: published contracts, what a site earns, who would leave."""
