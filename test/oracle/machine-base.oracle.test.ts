import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentProgress, type LarderError } from '../../src/core/index.ts'
import { makeRpmSigner, startRpmUpstream } from '../fixtures/rpm-upstream/index.ts'
import { forgetBases, makeBaseRoot, type BaseRootOptions } from '../../src/fleet/place/base/base-root.ts'
import { runMaker } from '../../src/fleet/place/base/run-maker.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-base-'))
  await chmod(folder, 0o755)
})
afterAll(() => rm(folder, { recursive: true }))

const essential = 'base-files base-passwd bash coreutils dash dpkg grep libc-bin sed tar'.split(' ')
const machine = 'apt ca-certificates dbus iproute2 openssh-server systemd-sysv'.split(' ')

/** An APT repository of packages that have nothing in them. */
async function aptSource(name: string, packages: Readonly<Record<string, string>>): Promise<string> {
  const upstream = join(folder, name)
  for (const [packageName, more] of Object.entries(packages)) {
    const tree = join(upstream, 'tree', packageName)
    await mkdir(join(tree, 'DEBIAN'), { recursive: true })
    const fields = ['Version: 1', 'Architecture: all', 'Maintainer: Nobody <nobody@example.org>', 'Description: none']
    const control = [`Package: ${packageName}`, ...fields, ...(more === '' ? [] : [more]), '']
    await writeFile(join(tree, 'DEBIAN/control'), control.join('\n'))
    await execa('dpkg-deb', ['--build', tree, upstream])
  }
  const { stdout } = await execa('apt-ftparchive', ['packages', '.'], { cwd: upstream })
  await writeFile(join(upstream, 'Packages'), `${stdout}\n`)
  return `Types: deb\nURIs: file:${upstream}\nSuites: ./\nTrusted: yes\n`
}

function options(format: 'apt' | 'rpm', source: string, packages: readonly string[] = []): BaseRootOptions {
  return {
    source: { format, name: 'base', source, keys: [], snapshot: 1 },
    packages,
    folder: join(folder, 'bases'),
    createdAt: new Date('2026-01-01T00:00:00Z'),
    progress: silentProgress,
    signal: new AbortController().signal,
  }
}

const none = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, '']))

describe('a base from an APT mirror', () => {
  it('names all packages that the mirror lacks', async () => {
    const source = await aptSource('lacking', none([...essential, 'apt', 'dbus', 'iproute2', 'ca-certificates']))
    await expect(makeBaseRoot(options('apt', source, ['curl']))).rejects.toMatchObject({
      code: 'FLEET_BASE_INCOMPLETE',
      context: { mirror: 'base', missing: ['curl', 'openssh-server', 'systemd-sysv'] },
    })
    expect(await readdir(join(folder, 'bases'))).toEqual([])
  })

  it('and, for machines that start by themselves, a kernel: the usual one, or the one that is asked for', async () => {
    const source = await aptSource('kernel', none([...essential, ...machine]))
    const missing = async (packages: readonly string[]) => {
      const error = await makeBaseRoot({ ...options('apt', source, packages), boots: true }).catch((e: unknown) => e)
      return (error as LarderError).context['missing']
    }
    expect(await missing([])).toEqual(['e2fsprogs', 'linux-image-cloud-amd64', 'udev'])
    expect(await missing(['linux-image-virtual'])).toEqual(['e2fsprogs', 'linux-image-virtual', 'udev'])
  })

  it('and what they depend on', async () => {
    const packages = { ...none([...essential, ...machine]), 'openssh-server': 'Depends: libssl3' }
    const source = await aptSource('unmet', packages)
    await expect(makeBaseRoot(options('apt', source))).rejects.toMatchObject({
      code: 'FLEET_BASE_INCOMPLETE',
      message: expect.stringContaining('openssh-server : Depends: libssl3 but it is not installable') as string,
    })
  })

  it('a mirror that is not there', async () => {
    const source = 'Types: deb\nURIs: file:/nonexistent\nSuites: ./\nTrusted: yes\n'
    await expect(makeBaseRoot(options('apt', source))).rejects.toMatchObject({ code: 'FLEET_BASE_FAILED' })
  })

  it.each(['', '-o', 'a b', 'a,b', '?essential', '~n.', 'a;b', 'a/b'])('no package: %j', async (name) => {
    await expect(makeBaseRoot(options('apt', 'none', [name]))).rejects.toMatchObject({ code: 'FLEET_RESOURCE_INVALID' })
  })
})

describe.skipIf(process.getuid?.() !== 0)('a base from an RPM mirror', () => {
  const needed = ['ca-certificates', 'dnf', 'filesystem', 'iproute', 'openssh-server', 'systemd']
  let source: string
  /** Packages with a file each. */
  beforeAll(async () => {
    const upstream = join(folder, 'rpm')
    await mkdir(upstream)
    const parts = needed.map(
      (name) => `%package -n ${name}\nSummary: none\n%description -n ${name}\n%files -n ${name}\n/opt/${name}\n`,
    )
    const install = needed.map((name) => `echo ${name} >%{buildroot}/opt/${name}`).join('\n')
    const head = 'Name: all\nVersion: 1\nRelease: 1\nSummary: none\nLicense: none\nBuildArch: noarch\n%description\n'
    await writeFile(
      join(upstream, 'all.spec'),
      `${head}${parts.join('')}%install\nmkdir -p %{buildroot}/opt\n${install}\n`,
    )
    await execa('rpmbuild', ['-bb', `--define=_topdir ${upstream}`, join(upstream, 'all.spec')])
    await execa('createrepo_c', [upstream])
    source = `[base]\nname=base\nbaseurl=file://${upstream}\ngpgcheck=0\nenabled=1\n`
  })

  async function addPackage(name: string, version: number): Promise<void> {
    const upstream = join(folder, 'rpm')
    const head = `Name: ${name}\nVersion: ${version}\nRelease: 1\nSummary: none\nLicense: none\nBuildArch: noarch\n`
    const files = `%description\n%install\nmkdir -p %{buildroot}/opt\necho >%{buildroot}/opt/${name}\n%files\n/opt/${name}\n`
    await writeFile(join(upstream, `${name}.spec`), head + files)
    await execa('rpmbuild', ['-bb', `--define=_topdir ${upstream}`, join(upstream, `${name}.spec`)])
    await execa('createrepo_c', [upstream])
  }

  it('has what every machine needs', async () => {
    const made = await makeBaseRoot(options('rpm', source))
    const { stdout } = await execa('tar', ['--list', `--file=${made.path}`])
    for (const name of needed) expect(stdout.split('\n')).toContain(`./opt/${name}`)
    expect(stdout).not.toMatch(/yum\.repos\.d\/./)
  })

  it('is the same while what it consists of is, and another one once that changes; then the former goes', async () => {
    const bases = join(folder, 'bases')
    const tars = async () => (await readdir(bases)).filter((name) => name.endsWith('.tar'))
    const at = (snapshot: number) => {
      const asked = options('rpm', source)
      return makeBaseRoot({ ...asked, source: { ...asked.source, snapshot } })
    }
    const made = await at(1)
    const { mtimeMs } = await stat(made.path)
    await addPackage('unrelated', 1)
    expect(await at(2)).toEqual(made)
    await addPackage('openssh-server', 2)
    const other = await at(3)
    expect(other.digest).not.toBe(made.digest)
    expect(await tars()).toHaveLength(2)
    const later = (hours: number) => new Date(mtimeMs + hours * 3600_000)
    expect(await forgetBases(bases, later(1))).toBe(0)
    expect(await forgetBases(bases, later(30))).toBe(1)
    expect(await tars()).toEqual([`${other.digest.slice(7)}.tar`])
    expect(await at(3)).toEqual(other)
  })

  it('asks no question about the key of a mirror whose index is signed, and believes no other', async () => {
    const packages = needed.map((name) => ({ name, version: '1', files: { [`/opt/${name}`]: `${name}\n` } }))
    const upstream = await startRpmUpstream({ packages })
    try {
      const asked = options('rpm', `[b]\nname=b\nbaseurl=${upstream.url}\nenabled=1\ngpgcheck=1\nrepo_gpgcheck=1\n`)
      const madeBy = (key: string) => {
        const source = `${asked.source.source}gpgkey=file:///nonexistent\n`
        return makeBaseRoot({ ...asked, source: { ...asked.source, name: 'signed', source, keys: [key] } })
      }
      await expect(madeBy((await makeRpmSigner()).publicKeyArmored)).rejects.toMatchObject({
        code: 'FLEET_BASE_FAILED',
        message: expect.stringContaining('GPG signature verification error') as string,
      })
      const made = await madeBy(upstream.key)
      const { stdout } = await execa('tar', ['--list', `--file=${made.path}`])
      // Nothing of where it was made, nor of what that needed.
      expect(stdout.split('\n').filter((path) => /work-|\.log|^\.\/(dev|proc)\/./.test(path))).toEqual([])
    } finally {
      await upstream.close()
    }
  })

  it('that cannot be made for want of a program says so', async () => {
    const running = runMaker('no-such-maker', [], { signal: new AbortController().signal, package: 'dnf' })
    await expect(running).rejects.toMatchObject({ code: 'TOOL_MISSING', hint: 'apt-get install dnf' })
  })

  it('names all packages that the mirror lacks', async () => {
    await expect(makeBaseRoot(options('rpm', source, ['nmap', 'curl']))).rejects.toMatchObject({
      code: 'FLEET_BASE_INCOMPLETE',
      context: { missing: ['curl', 'nmap'] },
    })
  })
})
