"""What the failover drill is made of: a region, what copies between two, and the people who use the application."""
