import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'

/**
 * Runs a program where podman finds what it needs, and what it keeps is its own: in a mount namespace with storage of its
 * own, and with control groups of version 2 alone (none of its limits there, where this host has them in version 1).
 * Answers what it said, however it ended. As root.
 */
export async function runWithPodman(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'larder-podman-'))
  try {
    const runtime = join(folder, 'crun')
    await writeFile(runtime, runtimeText, { mode: 0o755 })
    const settings = `[containers]
pids_limit = 0
[engine]
runtime = "unlimited"
cgroup_manager = "cgroupfs"
events_logger = "file"
[engine.runtimes]
unlimited = ["${runtime}"]
`
    await writeFile(join(folder, 'containers.conf'), settings)
    const all = ['--mount', 'sh', '-ec', enterText, 'sh', folder, program, ...args]
    const ended = await execa('unshare', all, { env: environment, stdin: 'ignore', all: true, reject: false })
    return ended.all
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const enterText = `folder=$1
shift
if [ -d /sys/fs/cgroup/unified ]; then mount --bind /sys/fs/cgroup/unified /sys/fs/cgroup; fi
for kept in /var/lib/containers /run/containers /run/libpod /etc/containers; do
  own=$folder/$(echo "$kept" | tr / -)
  mkdir -p "$own" "$kept"
  if [ "$kept" = /etc/containers ]; then cp -a "$kept/." "$own"; fi
  mount --bind "$own" "$kept"
done
cp "$folder/containers.conf" /etc/containers/containers.conf
"$@"
umount -l /var/lib/containers/storage/overlay 2>/dev/null || :`

/** crun, without limits: a process that lacks CAP_SYS_RESOURCE may set none, and there is no controller for others. */
const runtimeText = `#!${process.execPath}
const { readFileSync, writeFileSync } = require('node:fs')
const { spawnSync } = require('node:child_process')
const args = process.argv.slice(2)
const at = args.findIndex((one) => one === '--bundle' || one === '-b')
if (at >= 0) {
  const path = args[at + 1] + '/config.json'
  const config = JSON.parse(readFileSync(path, 'utf8'))
  delete config.process.rlimits
  delete config.process.oomScoreAdj
  delete config.linux.resources
  writeFileSync(path, JSON.stringify(config))
}
const { status, error } = spawnSync('crun', args, { stdio: 'inherit' })
if (error) throw error
process.exit(status ?? 1)
`
