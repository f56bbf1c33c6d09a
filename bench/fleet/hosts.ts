import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Host } from '../../src/fleet/host/host.ts'
import { createSshHost } from '../../src/fleet/host/ssh-host.ts'
import { sh } from '../../src/fleet/shell/script.ts'
import { ownRoot, startSshd, type TestSshd } from '../../src/fleet/testing/start-sshd.ts'

export interface BenchHost {
  name: string
  host: Host
  sshd: TestSshd
}

/** Started one after the other; `stop` ends all, and the connections to them. */
export async function startHosts(count: number): Promise<{ hosts: BenchHost[]; stop(): Promise<void> }> {
  const hosts: BenchHost[] = []
  const stop = async (): Promise<void> => {
    for (const { host, sshd } of hosts) {
      await host.close()
      await sshd.stop()
    }
  }
  try {
    for (let number = 1; number <= count; number++) {
      const name = `host-${number}`
      const sshd = await startSshd({ name, prefix: ownRoot })
      hosts.push({ name, sshd, host: createSshHost(sshd.options) })
    }
  } catch (error) {
    await stop()
    throw error
  }
  return { hosts, stop }
}

/** For Ansible: the same hosts, keys and settings of ssh; pipelining, one fork a host, and no facts that nobody asked for. */
export function writeInventory(hosts: readonly BenchHost[], folder: string): NodeJS.ProcessEnv {
  const knownHosts = join(folder, 'known_hosts')
  mkdirSync(join(folder, 'cp'), { recursive: true })
  writeFileSync(knownHosts, '')
  const lines = hosts.map(({ name, sshd: { options } }) => {
    appendFileSync(knownHosts, readFileSync(options.knownHostsFile))
    const args = `-o UserKnownHostsFile=${knownHosts} -o HostKeyAlias=${name} -o IdentitiesOnly=yes`
    return `${name} ansible_host=127.0.0.1 ansible_port=${options.port} ansible_user=root ansible_ssh_private_key_file=${options.identityFile} ansible_python_interpreter=/usr/bin/python3 ansible_ssh_common_args='${args}'`
  })
  writeFileSync(join(folder, 'inventory'), `${lines.join('\n')}\n`)
  const config = `[defaults]
inventory = ${join(folder, 'inventory')}
forks = ${hosts.length}
gathering = explicit
[ssh_connection]
pipelining = True
control_path_dir = ${join(folder, 'cp')}
ssh_args = -F /dev/null -o ControlMaster=auto -o ControlPersist=60
`
  writeFileSync(join(folder, 'ansible.cfg'), config)
  return { ...process.env, ANSIBLE_CONFIG: join(folder, 'ansible.cfg'), ANSIBLE_HOME: join(folder, 'home') }
}

/** As if nothing had been declared there yet. */
export async function clean({ host }: BenchHost): Promise<void> {
  const script = sh`rm -rf /srv/bench /var/lib/larder-host
for one in bench1 bench2; do userdel $one; groupdel $one; done 2>/dev/null
grep -v bench-peer /etc/hosts >/etc/hosts.new; cat /etc/hosts.new >/etc/hosts; rm /etc/hosts.new`
  const { code, stderr } = await host.run(script, { timeoutMs: 30_000 })
  if (code !== 0) throw new Error(`${host.name} cannot be cleaned: ${stderr}`)
}
