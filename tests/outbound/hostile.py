"""URLs whose hosts no server of strangers may make us connect to: special addresses, in all forms that parsers know."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address


def words(text: str) -> list[str]:
    return text.split()


# a few of each special network, its first and last among them
SPECIAL_V4 = words("""
0.0.0.0 0.0.0.1 0.255.255.255 10.0.0.0 10.0.0.1 10.255.255.255 100.64.0.0 100.64.0.1 100.100.100.200 100.127.255.255
127.0.0.0 127.0.0.1 127.0.0.2 127.1.2.3 127.255.255.255 168.63.129.16 169.254.0.0 169.254.169.254 169.254.170.2
169.254.255.255 172.16.0.0 172.16.0.1 172.31.255.255 192.0.0.0 192.0.0.192 192.0.0.255 192.0.2.1 192.0.2.2
192.88.99.1 192.168.0.0 192.168.1.1 192.168.255.255 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.0
224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
""")
SPECIAL_V6 = words("""
:: ::1 ::2 ::ffff:0:127.0.0.1 64:ff9b::1 64:ff9b:1::1 64:ff9b:1:ffff:ffff:ffff:ffff:ffff 100::1 100:0:0:1::1 2001::1
2001:0:1::1 2001:2::1 2001:3::1 2001:10::1 2001:20::1 2001:1ff:ffff::1 2001:db8::1 2001:db8:ffff::1 2002::1
2002:7f00:1::1 3fff::1 3fff:fff:ffff::1 4000::1 5f00::1 8000::1 fc00::1 fd00::2 fd00:ec2::254 fdff:ffff::1 fe80::1
fe80::fc:ff:fe00:1 febf::1 fec0::1 feff::1 ff00::1 ff02::1 ff0e::1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
""")
NAMES = words(r"""
localhost LOCALHOST localhost. a.localhost localhost.localdomain 127.0.0.1. 127.0.0.1.. 127..1 .127.0.0.1 0x7f.1.
a@127.0.0.1 example.com@127.0.0.1 a:b@127.0.0.1 example.com:443@127.0.0.1 example.com%40127.0.0.1
127.0.0.1%00.example.com 127.0.0.1%2f.example.com 127.0.0.1\@example.com example.com\@127.0.0.1
127.0.0.1#@example.com 127.0.0.1%0d%0a ①②⑦.⓪.⓪.① １２７.０.０.１ 127。0。0。1 ⓛocalhost exämple.com [::1%25lo] [::1%lo]
[fe80::1%25eth0] [fe80::1%eth0] [::1 ::1] [::1]x x[::1] [[::1]] [v1.fe80::a] [127.0.0.1] [0x7f000001] [] 127.0.0.256
1.2.3.4.5 256.256.256.256 4294967296 99999999999 0x 0x100000000 127.0.0.08 127.0.0.0x1 1.0x7f000001 example.127
example.0x7f - -a a- a..b .a a*b a,b a;b a&b a'b a"b a{b} a|b a^b a`b a<b> a=b a+b a!b a$b (a)
""")


def spelled(address: IPv4Address) -> Iterator[str]:
    """Yield the hosts that some parser takes for an IPv4 address, the usual one among them."""
    number, parts = int(address), address.packed
    high, low = number >> 16, number & 0xFFFF
    yield from (
        str(address),
        f"{address}.",
        str(number),
        hex(number),
        f"0X{number:08X}",
        f"0{number:o}",
        f"00{number:o}",
    )
    yield ".".join(hex(part) for part in parts)
    yield ".".join(f"0{part:o}" for part in parts)
    yield ".".join(f"000{part:o}" for part in parts)
    yield ".".join(f"{part:03d}" for part in parts)
    yield f"{hex(parts[0])}.{number & 0xFFFFFF}"
    yield f"{parts[0]}.{number & 0xFFFFFF}"
    yield f"{parts[0]}.{parts[1]}.{low}"
    mapped = f"{high:x}:{low:x}"
    yield from (f"[::ffff:{address}]", f"[::ffff:{mapped}]", f"[0:0:0:0:0:ffff:{mapped}]", f"[::FFFF:{mapped}]")
    yield from (f"[::{address}]", f"[::{mapped}]", f"[::ffff:0:{address}]", f"[::ffff:0:{mapped}]")
    yield from (f"[64:ff9b::{address}]", f"[64:ff9b::{mapped}]", f"[64:ff9b:1::{address}]")
    yield from (f"[2002:{mapped}::]", f"[2002:{mapped}::1]", f"[2001:0:{mapped}::1]")
    yield f"[{IPv6Address((0x20010000 << 96) | (number ^ 0xFFFFFFFF))}]"  # Teredo keeps the client's address inverted


def hosts() -> list[str]:
    """Return each host once."""
    found = [host for text in SPECIAL_V4 for host in spelled(IPv4Address(text))]
    for text in SPECIAL_V6:
        found += [f"[{text}]", f"[{IPv6Address(text).exploded.upper()}]"]
    return list(dict.fromkeys([*found, *NAMES, "127.0.0.1\n", "127.0.0.1\t", "\x00127.0.0.1", " 127.0.0.1", ""]))
