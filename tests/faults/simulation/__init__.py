"""The whole system without its processes: real use cases on real PostgreSQL, and one seed that owns all the rest.

``world`` holds four services as they are, with a broker, an object store, children and a clock of ours. ``people``
ask and remember what they were told. ``schedule`` decides, by its seed alone, who goes on next, what crashes where,
what is delivered late, twice or out of order, which dependency is away, and how far the clock jumps. Then the faults
end, the system gets some quiet minutes, and ``ending`` compares what it became with what people were told.
"""
