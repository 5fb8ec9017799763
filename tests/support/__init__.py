"""What several test rooms share: small builders for watches, machines without a world, loopback servers."""
