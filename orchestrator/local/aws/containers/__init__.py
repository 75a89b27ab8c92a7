"""Jobs of other services: containers of ECS.

The embedded AWS runs no containers. What has a program that stands for its image runs that, as a process of this
machine; any other job ends at once, has succeeded, and says so.
"""
