// Makes a clean clone ready, then runs what is asked for on Node 24:
//   node scripts/setup.mjs [SCRIPT [ARGUMENT…]]
// Plain JavaScript without dependencies: it must run on a machine's own Node 20, before anything is installed.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const oldestMajor = 24

install()
const script = process.argv[2]
if (script !== undefined) run(script, process.argv.slice(3))

/** `npm ci`, when node_modules is not what package-lock.json says. Its output is shown when it fails. */
function install() {
  const reason = staleReason()
  if (reason === undefined) return
  process.stderr.write(`Installing dependencies (${reason}) … `)
  const startedMs = performance.now()
  const [command, ...prefix] = npmCommand()
  const { status, error, stdout, stderr } = spawnSync(command, [...prefix, 'ci', '--no-audit', '--no-fund'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    // The environment of the `npm run` that called us would be taken for options of this npm.
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_(?:lifecycle|package)_/.test(name))),
  })
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(0)
  if (status === 0) {
    process.stderr.write(`done in ${seconds} s\n`)
    return
  }
  process.stderr.write(
    `failed after ${seconds} s\n\n${stdout ?? ''}${stderr ?? ''}${error ? `${error.message}\n` : ''}`,
  )
  process.stderr.write('\n`npm ci` failed, see above. It needs a package registry: is there a network or a proxy?\n')
  process.exit(1)
}

/** What is installed is compared by name and version: time stamps mean nothing after a checkout. */
function staleReason() {
  const installed = readLock(join(root, 'node_modules', '.package-lock.json'))
  if (installed === undefined) return 'the first time: about half a minute'
  const wanted = readLock(join(root, 'package-lock.json'))
  if (wanted === undefined) return undefined
  const changed = Object.keys(wanted).filter((path) => {
    if (path === '') return false
    const have = installed[path]
    return have === undefined ? wanted[path].optional !== true : have.version !== wanted[path].version
  })
  return changed.length === 0 ? undefined : `${changed.length} changed`
}

function readLock(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).packages : undefined
}

/** npm's own file when npm called us, so that the same npm is used; otherwise the one on the PATH. */
function npmCommand() {
  const path = process.env.npm_execpath
  if (path !== undefined && /npm-cli\.js$/.test(path)) return [process.execPath, path]
  return [process.platform === 'win32' ? 'npm.cmd' : 'npm']
}

/** Stands in for the child as far as Node can: same terminal, same exit code, signals passed on. */
function run(script, args) {
  const child = spawn(node24(), [join(root, script), ...args], {
    stdio: 'inherit',
    env: { ...process.env, PATH: [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter) },
  })
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  process.on('SIGHUP', () => child.kill('SIGHUP'))
  // A terminal sends Ctrl-C to the child itself; a second one would look like impatience.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'))
  child.on('error', (error) => fail(`cannot start ${script}: ${error.message}`))
  child.on('exit', (code, signal) => process.exit(signal === null ? code : 128 + constants.signals[signal]))
}

function node24() {
  if (Number(process.versions.node.split('.')[0]) >= oldestMajor) return process.execPath
  const path = join(root, 'node_modules', '.bin', 'node')
  const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' })
  if (Number(/^v(\d+)/.exec(stdout ?? '')?.[1] ?? 0) >= oldestMajor) return path
  return fail(
    `Larder needs Node ${oldestMajor}; this is ${process.version}, and the npm package "node" brought none for ` +
      `${process.platform}-${process.arch}.\nInstall Node ${oldestMajor} or newer, or let npm run its install script: ` +
      'npm config set ignore-scripts false && npm ci',
  )
}

function fail(message) {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}
