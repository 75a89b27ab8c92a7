"""DynamoDB: rows in a file, transactions in turn, expressions, partitions, parameters and streams."""
