"""The hash-chained record: what was done, by whom, when; its verification, anchors and export."""
