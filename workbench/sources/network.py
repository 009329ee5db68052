"""Whether the hub can be reached, answered at once."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass


def hub_answers() -> bool:
    """Return whether somebody listens where the hub should be.

    The hub's libraries try again for half a minute before they give up.
    """
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return False
    url = urlsplit(constants.ENDPOINT)
    host, port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
    if url.scheme in getproxies() and not proxy_bypass(host):
        return True  # only the proxy knows
    try:
        socket.create_connection((host, port), timeout=5).close()
    except OSError:
        return False
    return True
