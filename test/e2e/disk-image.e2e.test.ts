import { readdir, readFile } from 'node:fs/promises'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { hostSuite } from '../../src/apt/index.ts'
import { silentLog } from '../../src/core/index.ts'
import { makeDiskImage, type DiskImageOptions } from '../../src/oci/disk-image/index.ts'
import { makeArchive } from '../../src/oci/testing/archive.ts'
import { writeLayout } from '../../src/oci/testing/write-layout.ts'
import { hasAptSources } from './support/apt-sources.ts'
import { bootMachine } from './support/virtual-machine.ts'
import { openWorkspace, type Workspace } from './support/workspace.ts'

let workspace: Workspace
let canBootstrap: boolean

beforeAll(async () => {
  workspace = await openWorkspace()
  canBootstrap = await hasAptSources()
  if (!canBootstrap) return
  const include = '--include=linux-image-cloud-amd64,systemd-sysv,udev'
  const exclude = '--dpkgopt=path-exclude=/usr/share/doc/*'
  const archive = workspace.path('system.tar')
  await execa('mmdebstrap', ['--variant=minbase', include, exclude, await hostSuite(), archive], { stdin: 'ignore' })
  await writeLayout(workspace.path('system'), {
    layers: [{ bytes: await readFile(archive) }, { bytes: await readyLayer() }],
  })
  await writeLayout(workspace.path('application'), {
    layers: [{ bytes: await applicationLayer() }],
    config: {
      Entrypoint: ['/app/run'],
      Cmd: ['100% of $5'],
      Env: ['GREETING=say "hello"'],
      User: 'app',
      WorkingDir: '/app',
    },
  })
})
afterAll(() => workspace[Symbol.asyncDispose]())

const noMachine = 'this host has no APT sources to make a system from'

it('an image with kernel, init and boot parts starts by BIOS, and its root grows with the disk', async (context) => {
  if (!canBootstrap) context.skip(noMachine)
  const outputFile = workspace.path('system.qcow2')
  const made = await makeDiskImage({
    ...common(),
    source: { layout: workspace.path('system') },
    outputFile,
    format: 'qcow2',
  })
  expect(made.initPath).toBe('/sbin/init')
  expect(made.kernelRelease).toMatch(/^\d+\.\d+/)
  const largerBytes = made.diskBytes + 1024 ** 3
  await execa('qemu-img', ['resize', '-q', '-f', 'qcow2', outputFile, String(largerBytes)])

  const { match, said } = await bootMachine({ diskPath: outputFile, format: 'qcow2', ready: readyLine })
  expect(match.groups).toMatchObject({ failed: '0', gone: 'gone', mode: '4755' })
  expect(Number(match.groups!['kibibytes']) * 1024, said.slice(-3000)).toBeGreaterThan(made.diskBytes)
})

it('an image of an application runs on a base that starts a machine, by UEFI', async (context) => {
  if (!canBootstrap) context.skip(noMachine)
  const outputFile = workspace.path('application.raw')
  const source = { layout: workspace.path('application') }
  const base = { layout: workspace.path('system') }
  await makeDiskImage({ ...common(), source, base, outputFile, format: 'raw' })

  const ready = /APPLICATION (.*)\r?\n/
  const uefiVariablesPath = workspace.path('uefi-variables')
  const { match } = await bootMachine({ diskPath: outputFile, format: 'raw', ready, uefiVariablesPath })
  expect(match[1]?.trim()).toBe('[100% of $5] [say "hello"] 1234 5678 /app app bin')
})

it('an image of an application alone is refused, and nothing is left of it', async (context) => {
  if (!canBootstrap) context.skip(noMachine)
  const outputFile = workspace.path('refused.raw')
  const before = await readdir(workspace.folder)
  const making = makeDiskImage({
    ...common(),
    source: { layout: workspace.path('application') },
    outputFile,
    format: 'raw',
  })
  await expect(making).rejects.toMatchObject({
    code: 'DISK_IMAGE_UNBOOTABLE',
    context: { missing: ['kernel', 'init'] },
  })
  expect(await readdir(workspace.folder)).toEqual(before)
})

function common(): Pick<DiskImageOptions, 'createdAt' | 'signal' | 'log'> {
  return { createdAt: new Date('2026-11-01T00:00:00Z'), signal: new AbortController().signal, log: silentLog }
}

const readyLine = /READY kibibytes=(?<kibibytes>\d+) failed=(?<failed>\d+) (?<gone>gone|there) mode=(?<mode>\d+)\r?\n/

/** Takes a file of the layer below away, and says on the console how the machine is. */
async function readyLayer(): Promise<Buffer> {
  const script = `#!/bin/sh
kibibytes=$(df -k --output=size / | tail -n 1 | tr -d ' ')
failed=$(systemctl --failed --plain --no-legend | wc -l)
if [ -e /etc/issue.net ]; then gone=there; else gone=gone; fi
echo "READY kibibytes=$kibibytes failed=$failed $gone mode=$(stat -c %a /usr/bin/su)"
`
  const unit = `[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/usr/local/bin/ready
StandardOutput=tty
TTYPath=/dev/ttyS0
`
  return await makeArchive([
    { name: 'etc/.wh.issue.net' },
    { name: 'usr/local/bin/ready', mode: 0o755, content: script },
    { name: 'etc/systemd/system/ready.service', content: unit },
    {
      name: 'etc/systemd/system/graphical.target.wants/ready.service',
      type: 'symlink',
      linkname: '../ready.service',
    },
  ])
}

/** Of another kind than the base: nothing but one program without libraries. */
async function applicationLayer(): Promise<Buffer> {
  const script = `#!/bin/sh
sleep 5
echo "APPLICATION [$1] [$GREETING] $(id -u) $(id -g) $(pwd) $(ls / | head -n 2 | tr '\\n' ' ')"
exec sleep 1000
`
  const names = ['sh', 'sleep', 'id', 'pwd', 'ls', 'head', 'tr']
  return await makeArchive([
    { name: 'bin/busybox', mode: 0o755, content: await readFile('/bin/busybox') },
    ...names.map((name) => ({ name: `bin/${name}`, type: 'symlink' as const, linkname: 'busybox' })),
    { name: 'etc/passwd', content: 'app:x:1234:5678::/app:/bin/sh\n' },
    { name: 'etc/group', content: 'app:x:5678:\n' },
    { name: 'app/run', mode: 0o755, content: script },
  ])
}
