"""What gunicorn reads when it starts in this folder.

An access log is off until somebody turns it on (`--access-logfile -`). Its lines then name the
address without its query: the return from single sign-on carries a code that signs somebody in.
The referring address is left out for the same reason.
"""

access_log_format = '%(h)s %(t)s "%(m)s %(U)s %(H)s" %(s)s %(b)s "%(a)s"'
