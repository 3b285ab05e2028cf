"""Real servers and clients for the integration tests: PostgreSQL, Redis, the router, and a proxy that misbehaves."""
