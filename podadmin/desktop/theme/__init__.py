"""How everything looks, from one table of tokens. No colour and no pixel number lives anywhere else."""
