"""The embedded AWS: moto's server in this process, with an adapter for each thing that AWS does and moto does not.

It is for laptops and tests; on AWS nothing of it is used. The definitions, handlers, policies, deployment and AWS
clients are those that AWS runs: only the endpoint differs.
"""
