"""What a release must change in records that older ones wrote."""
