import { quote } from '../core/index.ts'
import type { Mistake } from './package-list-text.ts'

/**
 * People write the command that they would type: `apt-get install -y nmap`. What comes before the names is taken off
 * with a warning, and options are ignored with one. `isCommand`: the text is a `package_command`, in which options
 * may be without a command before them.
 */
export function stripCommand(text: string, isCommand: boolean): Stripped {
  if (!isCommand && !beginsLikeCommand.test(text)) return { text, mistakes: [] }
  if (isCommand && !/\s|^-/.test(text)) return { text, mistakes: [] }
  const words = text.split(/\s+/).filter((word) => word !== '')
  return stripInstall(words) ?? (isCommand ? stripOptions(words) : { text, mistakes: [] })
}

interface Stripped {
  text: string
  mistakes: Mistake[]
}

const expected = 'names of packages alone'

/** Undefined when the words are not the command of a package manager: `apt` and `yum` are packages, too. */
function stripInstall(words: readonly string[]): Stripped | undefined {
  const start = words[0] === 'sudo' ? 1 : 0
  if (!tools.has(words[start]?.replace(/^\/usr\/bin\//, '') ?? '')) return undefined
  const verbAt = words.findIndex((word, index) => index > start && !word.startsWith('-'))
  const verb = words[verbAt] ?? ''
  if (otherVerbs.has(verb)) {
    const message = `${quote(words.slice(start, verbAt + 1).join(' '))} installs no package by its name`
    return { text: '', mistakes: [{ message, expected }] }
  }
  if (!installVerbs.has(verb)) return undefined
  const { names, options } = withoutOptions(words.slice(verbAt + 1))
  return ignored(names, [...words.slice(0, verbAt + 1), ...options])
}

function stripOptions(words: readonly string[]): Stripped {
  const { names, options } = withoutOptions(words)
  return options.length === 0 ? { text: words.join(' '), mistakes: [] } : ignored(names, options)
}

function ignored(names: readonly string[], words: readonly string[]): Stripped {
  const message = `${quote(words.join(' '))} is ignored`
  return { text: names.join(' '), mistakes: [{ severity: 'warning', message, expected }] }
}

const tools = new Set(['apt', 'apt-get', 'aptitude', 'yum', 'dnf', 'dnf5', 'microdnf', 'zypper'])
const installVerbs = new Set(['install', 'in', 'reinstall'])
const otherVerbs = new Set([
  'remove',
  'purge',
  'erase',
  'update',
  'upgrade',
  'dist-upgrade',
  'groupinstall',
  'localinstall',
  'group',
  'search',
])
const beginsLikeCommand = /^\s*(?:sudo\s+)?(?:\/usr\/bin\/)?[a-z0-9-]+\s+(?:-\S+\s+)*[a-z-]+(?:\s|$)/
/** Options whose value is the next word. */
const valued = new Set(
  [
    '-t',
    '--target-release',
    '--default-release',
    '-o',
    '--option',
    '-c',
    '--config-file',
    '-x',
    '--exclude',
    '--repo',
  ].concat(['--repoid', '--enablerepo', '--disablerepo', '--releasever', '--setopt', '--installroot']),
)

function withoutOptions(words: readonly string[]): { names: string[]; options: string[] } {
  const names: string[] = []
  const options: string[] = []
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? ''
    if (!word.startsWith('-')) names.push(word)
    else {
      options.push(word)
      const value = words[index + 1]
      if (valued.has(word) && value !== undefined) {
        options.push(value)
        index++
      }
    }
  }
  return { names, options }
}
