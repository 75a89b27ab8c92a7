"""The console: web pages that show every task, slot and run of a stack, and run again what has failed.

It runs on the machine of whoever looks, over the same stores as the commands, with the viewer's own credentials, and
keeps nothing. Modules named after a page hold what the page shows as values (pure); :mod:`reading` asks AWS for it;
:mod:`application` answers requests; :mod:`guard` says which it answers.
"""
