"""urllib3's Retry as a client under test: urllib3_get.py METHOD URL [RETRIES].

Exits 0 for a 2xx, 22 for another status, 1 for an error.
"""
import sys

import urllib3
from urllib3.util.retry import Retry

method, url = sys.argv[1], sys.argv[2]
total = int(sys.argv[3]) if len(sys.argv) > 3 else 3
retry = Retry(total=total, backoff_factor=0.3, status_forcelist=[429, 500, 502, 503, 504], raise_on_status=False)
try:
    answer = urllib3.PoolManager(retries=retry).request(method, url, body=b'{"item": 1}' if method == "POST" else None)
except urllib3.exceptions.HTTPError as error:
    print(type(error).__name__, error, file=sys.stderr)
    sys.exit(1)
print(answer.status)
sys.exit(0 if 200 <= answer.status < 300 else 22)
