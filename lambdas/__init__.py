"""What tasks run: each module or package here with a ``handler`` is a Lambda function, the target ``lambda/NAME``.

Its bundle holds the module or package itself, what begins with ``_``, and what ``requirements.lock`` beside this file
pins. A function that needs a permission, more than the default memory and time, or a distribution that others can do
without, gets an entry in :data:`lambdas.functions.SETTINGS`.
"""
