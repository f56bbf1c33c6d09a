import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, it } from 'vitest'
import { clientsGoneScript } from '../../src/fleet/service/clients-gone.ts'
import { sh } from '../../src/fleet/shell/script.ts'
import { runWithPodman } from './support/podman-host.ts'

it('who is connected to a port that podman publishes is waited for, and who is at another container is not', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'larder-published-'))
  try {
    const root = join(folder, 'root')
    await mkdir(join(root, 'bin'), { recursive: true })
    await execa('cp', ['/bin/busybox', join(root, 'bin')])
    const script = join(folder, 'script')
    const container = (name: string, ports: string) =>
      sh`podman run --detach --name ${name} --stop-signal KILL --publish ${ports} --rootfs ${root} /bin/busybox httpd -f -p ${ports.split(':')[1]!} >/dev/null`
    const text = sh`set -e
ip link set lo up
${container('one', '8080:80')}
${container('other', '8081:8080')}
sleep 600 | busybox nc 10.88.0.1 8081 & stays=$!
{ sleep 5; echo the client goes >&2; } | busybox nc 10.88.0.1 8080 &
until busybox netstat -tn | grep -q ':8080 .*ESTABLISHED'; do sleep 0.1; done
${clientsGoneScript(8080, 600)}
echo nobody is there
kill $stays
podman rm --force one other >/dev/null`
    await writeFile(script, text.shell)
    const said = await runWithPodman(
      'unshare',
      ['--net', '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', script],
      {},
    )
    expect(said.trim().split('\n')).toEqual(['the client goes', 'nobody is there'])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
