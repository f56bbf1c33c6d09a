import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { npmPackageType } from '../../src/fleet/resource/types/npm-package.ts'
import { pipPackageType } from '../../src/fleet/resource/types/pip-package.ts'
import { sh } from '../../src/fleet/shell/script.ts'
import { tinyEngine } from '../../src/fleet/testing/converge.ts'
import { runScript } from '../../src/fleet/testing/run-script.ts'

/** Packages `larder-hello` of npm and pip, 1.0.0 and 1.1.0, as plain files: what their registries answer. */
const makeFiles = `import base64, hashlib, io, json, os, sys, tarfile, zipfile
url, versions = sys.argv[1], ['1.0.0', '1.1.0']
os.makedirs('files'); os.makedirs('simple/larder-hello')
packument = {'name': 'larder-hello', 'dist-tags': {'latest': versions[-1]}, 'versions': {}}
for version in versions:
    name = f'files/larder-hello-{version}.tgz'
    manifest = {'name': 'larder-hello', 'version': version, 'bin': 'hello.js', 'scripts': {'postinstall': 'touch ran'}}
    with tarfile.open(name, 'w:gz') as archive:
        for path, text in {'package.json': json.dumps(manifest), 'hello.js': f"#!/usr/bin/env node\\nconsole.log('{version}')\\n"}.items():
            entry = tarfile.TarInfo(f'package/{path}'); entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    integrity = 'sha512-' + base64.b64encode(hashlib.sha512(open(name, 'rb').read()).digest()).decode()
    packument['versions'][version] = {**manifest, 'hasInstallScript': True, 'dist': {'tarball': f'{url}/{name}', 'integrity': integrity}}
    info = f'larder_hello-{version}.dist-info'
    with zipfile.ZipFile(f'files/larder_hello-{version}-py3-none-any.whl', 'w') as wheel:
        wheel.writestr('larder_hello.py', f"print('{version}')\\n")
        wheel.writestr(f'{info}/METADATA', f'Metadata-Version: 2.1\\nName: larder-hello\\nVersion: {version}\\n')
        wheel.writestr(f'{info}/WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
        wheel.writestr(f'{info}/RECORD', '')
open('larder-hello', 'w').write(json.dumps(packument))
links = [f'<a href="{url}/files/larder_hello-{version}-py3-none-any.whl">larder_hello-{version}-py3-none-any.whl</a>' for version in versions]
open('simple/larder-hello/index.html', 'w').write('<!DOCTYPE html><html><body>' + ''.join(links) + '</body></html>')
`

/** On the PATH that scripts have on machines. */
const hasNpm = runScript(sh`command -v npm`).code === 0
/** In CI nothing may be skipped. */
const must = process.env['CI'] === 'true'

let folder: string
let server: ChildProcess
let url: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'larder-languages-'))
  const served = join(folder, 'served')
  mkdirSync(served)
  const args = ['-u', '-m', 'http.server', '--bind', '127.0.0.1', '--directory', served, '0']
  server = spawn('/usr/bin/python3', args, { stdio: ['ignore', 'pipe', 'ignore'] })
  const [said] = (await once(server.stdout!, 'data')) as [Buffer]
  url = `http://127.0.0.1:${/port (\d+)/.exec(said.toString())?.[1]}`
  const { status, stderr } = spawnSync('/usr/bin/python3', ['-', url], { cwd: served, input: makeFiles })
  expect(status, stderr.toString()).toBe(0)
})
afterAll(async () => {
  const ended = once(server, 'exit')
  server.kill()
  await ended
  rmSync(folder, { recursive: true })
})

const said = (program: string, ...args: string[]): string => spawnSync(program, args).stdout.toString().trim()

it.skipIf(!hasNpm && !must)(
  'npm installs a version, goes to another and away, and runs no programs of packages that nobody let',
  () => {
    const prefix = join(folder, 'prefix')
    const engine = tinyEngine(npmPackageType)
    const wanted = (more: object) =>
      npmPackageType.schema.parse({ 'npm-package': 'larder-hello', prefix, registry: `${url}/`, ...more })
    const made = join(prefix, 'lib/node_modules/larder-hello')
    const steps: [object, string][] = [
      [{ version: '1.0.0' }, '1.0.0'],
      [{ version: '1.1.0' }, '1.1.0'],
      [{ state: 'absent' }, ''],
      [{}, '1.1.0'],
    ]
    for (const [more, version] of steps) {
      expect(engine.plan([wanted(more)])).not.toEqual([[]])
      engine.apply([wanted(more)])
      expect(engine.plan([wanted(more)])).toEqual([[]])
      expect(existsSync(made)).toBe(version !== '')
      if (version !== '') expect(said(process.execPath, join(prefix, 'bin/larder-hello'))).toBe(version)
      expect(existsSync(join(made, 'ran'))).toBe(false)
    }
    engine.apply([wanted({ state: 'absent' })])
    engine.apply([wanted({ scripts: true })])
    expect(existsSync(join(made, 'ran'))).toBe(true)
    expect(() => engine.apply([wanted({ 'npm-package': 'larder-nothing' })])).toThrow(/404|exit/)
  },
)

it('pip installs a version into an environment, goes to another and away', () => {
  const venv = join(folder, 'venv')
  const engine = tinyEngine(pipPackageType)
  const wanted = (more: object) =>
    pipPackageType.schema.parse({ 'pip-package': 'Larder.Hello', venv, index: `${url}/simple`, ...more })
  const steps: [object, string][] = [
    [{ version: '1.0' }, '1.0.0'],
    [{ version: '1.1.0' }, '1.1.0'],
    [{ state: 'absent' }, ''],
    [{}, '1.1.0'],
  ]
  for (const [more, version] of steps) {
    expect(engine.plan([wanted(more)])).not.toEqual([[]])
    engine.apply([wanted(more)])
    expect(engine.plan([wanted(more)])).toEqual([[]])
    expect(said(join(venv, 'bin/python'), '-c', 'import larder_hello')).toBe(version)
  }
  expect(readFileSync(join(venv, 'pyvenv.cfg'), 'utf8')).toContain('home')
  expect(() => engine.apply([wanted({ 'pip-package': 'larder-nothing' })])).toThrow('exit')
})
