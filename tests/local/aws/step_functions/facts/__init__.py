"""What AWS answers: scenario, answer, source. The embedded AWS is held to each.

The sources that begin with ``recorded`` are answers of AWS that LocalStack's repository keeps in the
``*.snapshot.json`` of its tests of Step Functions, under the name of the test and the day of the recording; the others
are pages of AWS. The definitions are ours.
"""
