"""What the operator of an installation does with their own AWS credentials, where the HTTP API is not the way."""
