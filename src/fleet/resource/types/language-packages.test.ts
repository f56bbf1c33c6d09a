import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { lines, sh } from '../../shell/script.ts'
import { debianHost, tinyEngine } from '../../testing/converge.ts'
import { runScript } from '../../testing/run-script.ts'
import { npmPackageType } from './npm-package.ts'
import { pipPackageType } from './pip-package.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'larder-languages-'))
})
afterEach(() => {
  rmSync(root, { recursive: true, force: true })
})

const room = { facts: undefined, differences: [], host: debianHost }
const make = (path: string, text = ''): void => {
  mkdirSync(join(root, path, '..'), { recursive: true })
  writeFileSync(join(root, path), text)
}

const npm = (more: object = {}) => npmPackageType.schema.parse({ 'npm-package': '@a/b', prefix: root, ...more })
const npmPlan = (more?: object) => tinyEngine(npmPackageType).plan([npm(more)])[0]

/** What npm does, then how it ends: it keeps a package of which the manifest is there, and puts nothing where that it put aside is. */
function runNpm(ending: string, more: object = {}): number | null {
  const stub = `npm() {
set -- "$1" ${root}/lib/node_modules/@a/b
if [ "$1" = uninstall ]; then [ ! -e "$2/package.json" ] || rm -r "$2"; return; fi
[ ! -e ${root}/lib/node_modules/@a/.b-x1Y2z3W4 ] || return 190
[ -e "$2/package.json" ] || { mkdir -p "$2" && echo '{"version":"1.0.0"}' >"$2/package.json"; }
${ending}
}`
  return runScript(lines(sh`set -eu`, { shell: stub }, npmPackageType.apply(npm(more), room))).code
}
const notWhole = { what: 'state', from: 'not whole', to: 'whole' }
const modules = (): string[] => readdirSync(join(root, 'lib/node_modules')).sort()

it.each([
  ['itself', 'return 137'],
  ['with all around it', 'echo of >"$2/half"; kill -9 $$'],
])('a package of npm is not whole where npm was killed, %s', (_, ending) => {
  expect(npmPlan()).toEqual([{ what: 'version', from: undefined, to: 'installed' }])
  expect(runNpm(ending)).not.toBe(0)
  make('lib/node_modules/@a/.b-x1Y2z3W4/package.json')
  expect(npmPlan({ version: '1.0.0' })).toEqual([notWhole])
  expect(npmPlan({ 'npm-package': 'b' })).toEqual([{ what: 'version', from: undefined, to: 'installed' }])
  // Of a manifest, too, there may be half.
  make('lib/node_modules/@a/b/package.json', '{"vers')
  expect(npmPlan()).toEqual([{ what: 'version', from: undefined, to: 'installed' }, notWhole])
  expect(runNpm('[ ! -e "$2/half" ] || return 1; echo 1 >"$2/cli.js"')).toBe(0)
  expect(npmPlan({ version: '1.0.0' })).toEqual([])
  expect([modules(), readdirSync(join(root, 'lib/node_modules/@a'))]).toEqual([['@a'], ['b']])
})

it('half a package of npm goes', () => {
  runNpm('kill -9 $$')
  rmSync(join(root, 'lib/node_modules/@a/b/package.json'))
  mkdirSync(join(root, 'bin'))
  for (const [name, of] of [
    ['b', '@a/b'],
    ['c', '@a/b-c'],
  ])
    symlinkSync(`../lib/node_modules/${of}/cli.js`, join(root, 'bin', name!))
  expect(npmPlan({ state: 'absent' })).toEqual([{ what: 'state', from: 'not whole' }])
  expect(runNpm('', { state: 'absent' })).toBe(0)
  expect(npmPlan({ state: 'absent' })).toEqual([])
  expect([modules(), readdirSync(join(root, 'lib/node_modules/@a'))]).toEqual([['@a'], []])
  expect(readdirSync(join(root, 'bin'))).toEqual(['c'])
})

it('what npm could not replace stays as it is: it ended by itself', () => {
  make('lib/node_modules/@a/b/package.json', '{"version":"0.9.0"}')
  expect(runNpm('return 1', { version: '1.0.0' })).toBe(1)
  expect(modules()).toEqual(['@a'])
  expect(npmPlan()).toEqual([])
})

const pip = (more: object = {}) => pipPackageType.schema.parse({ 'pip-package': 'The.App', venv: root, ...more })
const pipPlan = (more?: object) => tinyEngine(pipPackageType).plan([pip(more)])[0]
const packages = 'lib/python3.11/site-packages'
const infos = (): string[] => readdirSync(join(root, packages)).sort()
const missing = [{ what: 'version', from: undefined, to: 'installed' }]

/** What pip does, by its own words: what has a dist-info is installed. The app needs another package. */
function usePip(ending = ''): void {
  const text = `#!/bin/sh
set -eu
cd ${root}/${packages}
if [ "$1" = uninstall ]; then for one in the_app-*; do [ ! -d "$one" ] || { [ -e "$one/RECORD" ] && rm -r "$one" || exit 1; }; done; exit; fi
for one in needed-1 the_app-1.0; do
[ ! -d $one.dist-info ] || continue
mkdir $one.dist-info; echo of >$one.dist-info/METADATA
${ending}
echo pip >$one.dist-info/INSTALLER; echo of >$one.dist-info/RECORD
done
`
  make('bin/pip', text)
  runScript(sh`chmod 755 ${join(root, 'bin/pip')}`)
}
const runPip = (more: object = {}) => runScript(lines(sh`set -eu`, pipPackageType.apply(pip(more), room))).code

it.each([
  ['the package', '[ $one = needed-1 ] || kill -9 $$', ['needed-1.dist-info', 'the_app-1.0.dist-info']],
  ['what it needs', 'kill -9 $$', ['needed-1.dist-info']],
])('pip was killed amid %s: it is installed anew', (_, ending, left) => {
  make('pyvenv.cfg')
  make(`${packages}/of_others-1.dist-info/METADATA`)
  utimesSync(join(root, packages, 'of_others-1.dist-info'), 1, 1)
  usePip(ending)
  expect(runPip()).not.toBe(0)
  expect(infos()).toEqual([left[0], 'of_others-1.dist-info', ...left.slice(1)])
  expect([pipPlan(), pipPlan({ version: '1.0' })]).toEqual([missing, [{ ...missing[0], to: '1.0' }]])
  usePip()
  expect(runPip()).toBe(0)
  expect([pipPlan(), pipPlan({ version: '1.0' }), pipPlan({ 'pip-package': 'needed' })]).toEqual([[], [], []])
  expect(existsSync(join(root, '.larder-pip'))).toBe(false)
  // Of another, whoever made it, nothing is known.
  expect(infos()).toContain('of_others-1.dist-info')
})

it('half a package of pip, which pip would not remove, goes', () => {
  make('pyvenv.cfg')
  make(`${packages}/the_app-1.0.dist-info/METADATA`)
  make(`${packages}/of_others-1.dist-info/METADATA`)
  usePip()
  expect(pipPlan({ state: 'absent' })).toEqual([{ what: 'version', from: '1.0' }])
  expect(runPip({ state: 'absent' })).toBe(0)
  expect(pipPlan({ state: 'absent' })).toEqual([])
  expect(infos()).toEqual(['of_others-1.dist-info'])
})

it('outside of environments packages of a distribution name no installer, and are there', () => {
  make(`${packages}/the_app-1.0.dist-info/METADATA`)
  expect(pipPlan({ version: '1.0' })).toEqual([])
})

it('an environment of another installer is as it is', () => {
  make('pyvenv.cfg')
  make(`${packages}/the_app-1.0.dist-info/INSTALLER`, 'uv')
  expect(pipPlan({ version: '1.0' })).toEqual([])
})
