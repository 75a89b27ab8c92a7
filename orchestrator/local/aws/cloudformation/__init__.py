"""CloudFormation: change sets, resources and updates."""
