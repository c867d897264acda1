"""What people see: pure functions from the API's answers to renderables. No network, no clock, no terminal."""
