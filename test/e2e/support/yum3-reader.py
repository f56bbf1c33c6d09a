"""Reads a repository as yum 3 of CentOS 7 does, by Python's own parsers: what it names, in what form, and how new.

Arguments: a .repo file; the folder of a GnuPG keyring, which is made. Writes JSON; what yum 3 could not read ends it.
"""

import configparser
import gzip
import hashlib
import json
import re
import subprocess
import sys
import urllib.request
import xml.etree.ElementTree as tree

REPO = "{http://linux.duke.edu/metadata/repo}"
COMMON = "{http://linux.duke.edu/metadata/common}"
RPM = "{http://linux.duke.edu/metadata/rpm}"
ROOTS = {
    "primary": COMMON + "metadata",
    "filelists": "{http://linux.duke.edu/metadata/filelists}filelists",
    "other": "{http://linux.duke.edu/metadata/other}otherdata",
}
# What its parser of primary.xml knows below <format>.
FORMAT = {
    RPM + name
    for name in "license vendor group buildhost sourcerpm header-range provides requires conflicts obsoletes".split()
} | {COMMON + "file"}


def fetch(url):
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=20).read()


def verify(settings, home, repomd):
    """By GnuPG, from keys of the .repo file alone."""
    gpg = ["gpg", "--homedir", home, "--batch", "--quiet", "--trust-model", "always"]
    for key in settings["gpgkey"].split():
        subprocess.run([*gpg, "--import"], input=fetch(key), check=True)
    with open(home + "/repomd.xml.asc", "wb") as file:
        file.write(fetch(settings["baseurl"] + "repodata/repomd.xml.asc"))
    subprocess.run([*gpg, "--verify", home + "/repomd.xml.asc", "-"], input=repomd, check=True)


def read_data(data, base):
    """A metadata file, unpacked; what it is promised to be."""
    href = data.find(REPO + "location").get("href")
    packed = fetch(base + href)
    plain = gzip.decompress(packed) if href.endswith(".gz") else packed
    for name, content in (("checksum", packed), ("open-checksum", plain)):
        promised = data.find(REPO + name)
        if promised is None:
            assert name == "open-checksum", href
            continue
        assert promised.get("type") in ("sha", "sha256"), promised.get("type")
        assert hashlib.sha256(content).hexdigest() == promised.text, (href, name)
    assert href.endswith((".gz", ".xml")), href
    return plain


def read_primary(root):
    packages = []
    for package in root.iter(COMMON + "package"):
        known = package.find(COMMON + "format")
        assert {child.tag for child in known} <= FORMAT, [child.tag for child in known]
        for entry in known.iter(RPM + "entry"):
            assert re.fullmatch(r"[^(\s]\S*", entry.get("name")), entry.get("name")
        assert package.find(COMMON + "checksum").get("type") in ("sha", "sha256")
        packages.append(package.findtext(COMMON + "name"))
    return packages


def main(repo, home):
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(repo)
    (section,) = parser.sections()
    settings = parser[section]
    assert settings.getboolean("gpgcheck") and settings.getboolean("repo_gpgcheck")
    repomd = fetch(settings["baseurl"] + "repodata/repomd.xml")
    verify(settings, home, repomd)
    root = tree.fromstring(repomd)
    records = {data.get("type"): data for data in root.iter(REPO + "data")}
    timestamps = [int(data.findtext(REPO + "timestamp")) for data in records.values()]
    plain = {kind: read_data(data, settings["baseurl"]) for kind, data in records.items()}
    roots = {kind: tree.fromstring(plain[kind]) for kind in ROOTS}
    assert {kind: root.tag for kind, root in roots.items()} == ROOTS
    packages = read_primary(roots["primary"])
    for one in roots.values():
        assert int(one.get("packages")) == len(packages)
    print(json.dumps({"packages": sorted(packages), "timestamp": max(timestamps), "types": sorted(records)}))


main(*sys.argv[1:])
