"""Reads repository metadata by dnf's own library (and libcomps) and prints what it finds as JSON."""

import json
import sys
import tempfile
import warnings

warnings.simplefilter("ignore")
import hawkey
import libcomps

relations = "requires provides conflicts obsoletes recommends suggests supplements enhances".split()


def rows(sack):
    for package in hawkey.Query(sack):
        yield {
            "name": package.name,
            "evr": package.evr,
            "architecture": package.arch,
            "sizeBytes": package.downloadsize,
            "href": package.location,
            "base": package.baseurl,
            "checksum": package.chksum[1].hex(),
            "sourceRpm": package.sourcerpm or "",
            "files": sorted(package.files),
            **{name: sorted(map(str, getattr(package, name))) for name in relations},
        }


def advisories(sack):
    found = {}
    for package in hawkey.Query(sack):
        for advisory in package.get_advisories(hawkey.EQ):
            names = found.setdefault(advisory.id, set())
            names.update(one.name for one in advisory.packages)
    return {id: sorted(names) for id, names in found.items()}


def groups(text):
    comps = libcomps.Comps()
    assert comps.fromxml_str(text) == 0, comps.get_last_errors()
    lists = {one.id: [item.name for item in one.packages] for one in comps.groups}
    environments = {one.id: [item.name for item in one.group_ids] for one in comps.environments}
    return {"groups": lists, "environments": environments}


for line in sys.stdin:
    job = json.loads(line)
    if "comps" in job:
        print(json.dumps(groups(job["comps"])), flush=True)
        continue
    with tempfile.TemporaryDirectory() as folder:
        sack = hawkey.Sack(arch="x86_64", cachedir=folder, rootdir=folder)
        repo = hawkey.Repo("test")
        repo.repomd_fn = job["repomd"]
        repo.primary_fn = job["primary"]
        if "filelists" in job:
            repo.filelists_fn = job["filelists"]
        if "updateinfo" in job:
            repo.updateinfo_fn = job["updateinfo"]
        sack.load_repo(repo, load_filelists="filelists" in job, load_updateinfo="updateinfo" in job)
        print(json.dumps({"rows": list(rows(sack)), "advisories": advisories(sack)}), flush=True)
