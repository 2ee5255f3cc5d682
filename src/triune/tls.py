"""TLS to Keystone and to the pods, as the settings say."""

import ssl

from oslo_config import cfg


def keystone(conf: cfg.ConfigOpts) -> ssl.SSLContext:
    """With `[keystone] cafile`, `certfile`, `keyfile` and `insecure`. Raises `ValueError`."""
    section = conf.keystone
    try:
        context = _context(section.cafile, section.insecure)
        if section.certfile:
            context.load_cert_chain(section.certfile, section.keyfile)
    except OSError as error:
        raise ValueError(f"[keystone] cafile, certfile or keyfile: {error}") from error
    return context


def pods(conf: cfg.ConfigOpts) -> ssl.SSLContext:
    """With `[pods] cafile` and `insecure`. Raises `ValueError`."""
    try:
        return _context(conf.pods.cafile, conf.pods.insecure)
    except OSError as error:
        raise ValueError(f"[pods] cafile: {error}") from error


def _context(cafile: str | None, insecure: bool) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=cafile)
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
