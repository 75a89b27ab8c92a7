"""DynamoDB: transactions in turn, expressions, partitions, parameters and streams."""
