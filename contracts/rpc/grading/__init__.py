"""What the gateway asks of grading. Who may ask is told by ``by``: grading answers a marker only about copies
allocated to them, and answers ``not_found`` for what they may not know of.
"""
