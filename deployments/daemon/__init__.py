"""The platform's own process and what it does: keeps services running, finds dead jobs, tells people, and answers by HTTP."""
