"""Economics of mining: rigs, power, costs, shutdown. Imports metrics, chain and below."""
