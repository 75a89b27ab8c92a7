"""Jobs of other services: tasks of ECS, jobs of AWS Batch, job runs of AWS Glue.

The embedded AWS runs no containers. What has a program that stands for its image runs that, as a process of this
machine; any other job ends at once, has succeeded, and says so.
"""
