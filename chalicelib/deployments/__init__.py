"""A release of one service: queue, timeline, promotion, rollback."""
