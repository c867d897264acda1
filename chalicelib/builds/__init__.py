"""Source to image: detection, build plans, Dockerfile and buildspec."""
