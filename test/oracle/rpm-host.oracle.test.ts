import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseSiteFile } from '../../src/core/index.ts'
import { applyHosts, planHosts } from '../../src/fleet/converge/converge-hosts.ts'
import type { Host } from '../../src/fleet/host/host.ts'
import { createSshHost } from '../../src/fleet/host/ssh-host.ts'
import { parseResources } from '../../src/fleet/resource/parse-resources.ts'
import { resolveResources } from '../../src/fleet/resource/resolve-resources.ts'
import { sh } from '../../src/fleet/shell/script.ts'
import { testRoom } from '../../src/fleet/testing/resolve-room.ts'
import { canStartSshd, ownRoot, startSshd, type TestSshd } from '../../src/fleet/testing/start-sshd.ts'
import { makeRpmSigner, startRpmUpstream, type RpmUpstream, type TestRpm } from '../fixtures/rpm-upstream/index.ts'

const canRun = canStartSshd && existsSync('/usr/bin/dnf')

/** For `prefix`: a host that says that it is a Rocky Linux, with a real dnf and rpm, no dpkg, and a repository of somebody else. */
const rockyRoot = [
  ...ownRoot,
  'sh',
  '-ec',
  `rm -f /etc/os-release
printf '%s\\n' 'NAME="Rocky Linux"' 'ID="rocky"' 'ID_LIKE="rhel centos fedora"' 'VERSION_ID="9.4"' >/etc/os-release
mv /usr/bin/dpkg-query /usr/bin/dpkg-query.away
rm -rf /root/.rpmdb /var/lib/rpm /var/lib/dnf /var/cache/dnf
mkdir -p /etc/yum.repos.d /etc/dnf/vars
echo 9 >/etc/dnf/vars/releasever
printf '%s\\n' '[main]' 'gpgcheck=1' 'installonly_limit=3' 'clean_requirements_on_remove=True' 'best=True' 'plugins=0' >/etc/dnf/dnf.conf
printf '[elsewhere]\\nname=elsewhere\\nbaseurl=http://127.0.0.1:1/\\n' >/etc/yum.repos.d/elsewhere.repo
exec "$@"`,
  'sh',
]

const tool = (version: string): TestRpm => ({
  name: 'tool',
  version,
  requires: ['library'],
  files: { '/opt/tool/version': `${version}\n` },
})
const library: TestRpm = { name: 'library', version: '7', epoch: '2', architecture: 'noarch' }

describe.skipIf(!canRun)('a host of the family of RHEL', () => {
  let upstream: RpmUpstream
  let sshd: TestSshd
  let host: Host
  let snapshot = 1
  let runs = 0

  beforeAll(async () => {
    upstream = await startRpmUpstream({ packages: [tool('1.0'), tool('1.1'), library] })
    sshd = await startSshd({ prefix: rockyRoot })
    host = createSshHost(sshd.options)
  })
  afterAll(async () => {
    await host.close()
    await sshd.stop()
    await upstream.close()
  })

  async function targetOf(yaml: string) {
    const { resources, problems } = parseResources(parseSiteFile(Buffer.from(yaml), 'r.yaml').document!)
    expect(problems).toEqual([])
    const source = `[larder-base]
name=Larder mirror base
baseurl=${upstream.url}
enabled=1
gpgcheck=1
repo_gpgcheck=1
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-larder-base
metadata_expire=1h
`
    const room = testRoom(
      {},
      { mirror: async () => ({ format: 'rpm', name: 'base', source, keys: [upstream.key], snapshot }) },
    )
    const placed = resources.map((resource) => ({ resource, room }))
    return { machine: 'web-1', host, resources: await resolveResources(placed) }
  }

  /** What became of each; what is looked at afterwards is as declared. */
  async function converge(yaml: string): Promise<Record<string, string>> {
    const target = await targetOf(yaml)
    const options = { runId: `rpm-${process.pid}-${++runs}`, signal: new AbortController().signal, log: () => {} }
    const [result] = await applyHosts([target], options)
    if (result === undefined || 'unreachable' in result) throw new Error(JSON.stringify(result))
    const bad = result.entries.filter(({ outcome }) => outcome !== 'ok' && outcome !== 'changed')
    expect(bad).toEqual([])
    const [plan] = await planHosts([target], options)
    expect(plan).toMatchObject({ facts: { os: 'rocky', family: 'rhel', version: '9.4' } })
    expect(plan).toMatchObject({ entries: result.entries.map(({ id }) => ({ id, state: 'ok' })) })
    return Object.fromEntries(result.entries.map(({ id, outcome }) => [id, outcome]))
  }

  const ask = async (script: ReturnType<typeof sh>): Promise<string> =>
    (await host.run(script, { timeoutMs: 60_000 })).stdout.toString().trim()

  const repository = '- { repository: base, only: true }\n'

  it('gets a mirror as its only repository, verified by its key, and packages from it', async () => {
    const first = `${repository}- package: [tool=1.0]\n  when: { family: rhel }\n- { package: apt-only, when: { family: debian } }\n`
    expect(await converge(first)).toMatchObject({ 'repository:base': 'changed', 'package:tool': 'changed' })
    expect(
      await ask(
        sh`cat /opt/tool/version; rpm -q --qf '%{NAME} ' tool library; ls /etc/yum.repos.d /etc/larder-aside/yum.repos.d`,
      ),
    ).toBe('1.0\ntool library /etc/larder-aside/yum.repos.d:\nelsewhere.repo\n\n/etc/yum.repos.d:\nlarder-base.repo')
    expect(Object.values(await converge(first))).toEqual(['ok', 'ok'])
  })

  it('goes to the newest, to one that the mirror publishes later, back to one, and without any', async () => {
    expect(await converge(`${repository}- { package: tool, state: latest }\n`)).toMatchObject({
      'package:tool': 'changed',
    })
    expect(await ask(sh`cat /opt/tool/version`)).toBe('1.1')
    upstream.options.packages.push(tool('2.0'))
    await upstream.publish()
    snapshot++
    expect(await converge(`${repository}- { package: tool, state: latest }\n`)).toEqual({
      'repository:base': 'changed',
      'package:tool': 'changed',
    })
    expect(await ask(sh`cat /opt/tool/version`)).toBe('2.0')
    await converge(`${repository}- package: ["tool=1.1-1", "library=2:7-1"]\n`)
    expect(await ask(sh`cat /opt/tool/version`)).toBe('1.1')
    await converge('- { package: [tool, never-there], state: absent }\n')
    expect(await ask(sh`rpm -q tool`)).toBe('package tool is not installed')
    expect(await converge('- { repository: base, state: absent }\n')).toEqual({ 'repository:base': 'changed' })
  })

  it('says in the words of dnf what it does not find, and believes no other key', async () => {
    const outcomes = async (yaml: string): Promise<unknown> => {
      const options = { runId: `rpm-${process.pid}-${++runs}`, signal: new AbortController().signal, log: () => {} }
      const [result] = await applyHosts([await targetOf(yaml)], options)
      return result
    }
    expect(await outcomes(`${repository}- package: nowhere\n`)).toMatchObject({
      entries: [
        { id: 'repository:base', outcome: 'changed' },
        { id: 'package:nowhere', outcome: 'failed', log: expect.stringMatching(/find a match: nowhere/) },
      ],
    })
    upstream.options.signer = await makeRpmSigner()
    await upstream.publish()
    snapshot++
    expect(await outcomes(`${repository}- package: tool\n`)).toMatchObject({
      entries: [
        { id: 'repository:base', outcome: 'failed', log: expect.stringMatching(/gpg|signature/i) },
        { id: 'package:tool', outcome: 'skipped' },
      ],
    })
  })
})
