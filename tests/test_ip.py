"""Addresses: however one is written, it is the same client."""

import pytest

from crmkit import ip


@pytest.mark.parametrize(
    ("text", "plain", "client"),
    [
        ("192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("::FFFF:c000:201", "192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0::1", "2001:db8::1", "2001:db8::/64"),
        ("2001:db8::2:3:4:5", "2001:db8::2:3:4:5", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::1%eth0", "fe80::/64"),
        ("::1", "::1", "::/64"),
        ("unknown", "unknown", "unknown"),
        ("", "", ""),
        ("192.0.2.256", "192.0.2.256", "192.0.2.256"),
    ],
)
def test_a_client_is_counted_by_ipv4_address_or_ipv6_network(text: str, plain: str, client: str) -> None:
    assert (ip.plain(text), ip.client(text)) == (plain, client)


@pytest.mark.parametrize("spelled", ["10.0.0.0/8", "10.1.2.3/8", "::ffff:10.0.0.0/104"])
def test_networks_hold_addresses_of_either_spelling(spelled: str) -> None:
    networks = ip.Networks([spelled, "2001:db8::/32"])
    for inside in ("10.9.9.9", "::ffff:10.9.9.9", "2001:db8:1::1"):
        assert inside in networks
    for outside in ("11.0.0.1", "::ffff:11.0.0.1", "2001:db9::1", "::", "x", ""):
        assert outside not in networks


def test_without_networks_no_address_is_held() -> None:
    assert not ip.Networks([])
    assert "127.0.0.1" not in ip.Networks([])


@pytest.mark.parametrize("text", ["x", "10.0.0.0/33", "10.0.0.1/255.0.0.1.0", "/8"])
def test_what_names_no_network_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):
        ip.Networks([text])
