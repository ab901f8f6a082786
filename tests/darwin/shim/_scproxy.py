"""A stand-in for the C module that urllib.request imports on macOS: no proxies."""


def _get_proxies() -> dict[str, str]:
    return {}


def _get_proxy_settings() -> dict[str, object]:
    return {}
