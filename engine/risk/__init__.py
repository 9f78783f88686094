"""From offense records to a level and a place in the queue; never to a score or a threshold."""
