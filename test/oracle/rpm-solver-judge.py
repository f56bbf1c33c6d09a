"""Asks dnf's solver, for each package of each repository, what would be installed with it; or null."""

import json
import sys
import tempfile
import warnings

warnings.simplefilter("ignore")
import hawkey

for line in sys.stdin:
    job = json.loads(line)
    with tempfile.TemporaryDirectory() as folder:
        sack = hawkey.Sack(arch="x86_64", cachedir=folder, rootdir=folder)
        repo = hawkey.Repo("test")
        repo.repomd_fn = job["repomd"]
        repo.primary_fn = job["primary"]
        sack.load_repo(repo)
        answers = {}
        for package in hawkey.Query(sack):
            goal = hawkey.Goal(sack)
            goal.install(package)
            is_found = goal.run(ignore_weak_deps=not job.get("weak", False))
            answers[str(package)] = sorted(map(str, goal.list_installs())) if is_found else None
        print(json.dumps(answers), flush=True)
