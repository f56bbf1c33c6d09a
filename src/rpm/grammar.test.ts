import { describe, expect, it } from 'vitest'
import { formatProblem, parseYaml, subDocument, validate } from '../core/index.ts'
import { mirrorGrammar } from '../mirror/index.ts'
import { checkListed } from './check-listed.ts'
import { rpmGrammar } from './grammar.ts'

const { schema, sharedSections = {} } = mirrorGrammar([rpmGrammar])

function problemsOf(section: 'upstreams' | 'mirrors', entry: string): string[] {
  const document = parseYaml(`${section}:\n  el9: ${entry}\n`, 'larder.yaml').document!
  const { problems } = validate(
    section === 'mirrors' ? schema : sharedSections['upstreams']!,
    subDocument(document, [section]),
  )
  return problems.map(formatProblem)
}

describe('upstreams', () => {
  it.each([
    '{format: rpm, url: "http://h.example.org/el9/", keys: [keys/el9.asc]}',
    '{format: rpm, urls: ["http://h.example.org/", "file:///srv/el9"], keys: [/etc/pki/key], repoGpgcheck: true}',
    '{format: rpm, mirrorlist: "https://h.example.org/list?repo=el9", keys: [k], gpgcheck: false, repoGpgcheck: true}',
    '{format: rpm, metalink: "https://h.example.org/metalink?repo=el9&arch=x86_64", keys: [k], allowOlder: true}',
    '{format: rpm, url: "http://h.example.org/", allowUnsigned: true}',
  ])('%s', (entry) => {
    expect(problemsOf('upstreams', entry)).toEqual([])
  })

  it.each([
    ['{format: rpm, keys: [k]}', 'one of url, urls, mirrorlist and metalink is needed'],
    ['{format: rpm, url: "http://h/", metalink: "http://h/", keys: [k]}', 'url and metalink exclude each other'],
    ['{format: rpm, url: "ftp://h/", keys: [k]}', 'an http:, https: or file: address'],
    ['{format: rpm, url: "http://h/"}', 'keys are needed'],
    ['{format: rpm, url: "http://h/", allowUnsigned: true, repoGpgcheck: true}', 'keys are needed'],
    ['{format: rpm, url: "http://h/", keys: [k], gpgcheck: false, repoGpgcheck: false}', 'nothing is verified'],
    ['{format: rpm, url: "http://h/", keys: [k], gpgchek: false}', 'did you mean gpgcheck'],
  ])('%s', (entry, message) => {
    expect(problemsOf('upstreams', entry)).toEqual([expect.stringContaining(message)])
  })
})

const common = 'format: rpm, upstreams: [el9], packages: p.json'

describe('mirrors', () => {
  it.each([
    `{${common}, architectures: [x86_64]}`,
    `{${common}, architectures: [x86_64, i686], versions: 3, modules: ["nodejs:20"], compatibility: yum3}`,
  ])('%s', (entry) => {
    expect(problemsOf('mirrors', entry)).toEqual([])
  })

  it.each([
    [`{${common}}`, '"architectures" is missing'],
    [`{${common}, architectures: [src]}`, 'architecture that packages are installed on'],
    [`{${common}, architectures: ["../x"]}`, 'an architecture such as x86_64'],
    [`{${common}, architectures: [x86_64], validDays: 3}`, 'validDays'],
    [`{${common}, architectures: [x86_64], versions: 0}`, 'versions'],
    [`{${common}, architectures: [x86_64], modules: [nodejs]}`, 'name:stream'],
    [`{${common}, architectures: [x86_64], compatibility: yum4}`, 'yum3'],
    [`{${common}, architectures: [x86_64], suite: stable}`, 'suite'],
  ])('%s', (entry, message) => {
    expect(problemsOf('mirrors', entry)).toEqual([expect.stringContaining(message)])
  })
})

describe('what a list may name', () => {
  const listed = (name: string, version?: string, architecture?: string) =>
    checkListed({
      name,
      exclude: [],
      position: { file: 'packages.json', line: 1, column: 1 },
      ...(version === undefined ? {} : { constraint: { operator: '>=', version } }),
      ...(architecture === undefined ? {} : { architecture }),
    }).map(({ message }) => message)

  it.each<[string, string?, string?]>([
    ['nginx'],
    ['python36u-libs.x86_64'],
    ['libstdc++', '8.5.0-4.el8'],
    ['kernel', '1:5.14~rc1^git2-1'],
    ['/usr/bin/python3'],
    ['glibc', undefined, 'i686'],
  ])('%s %s %s', (name, version, architecture) => {
    expect(listed(name, version, architecture)).toEqual([])
  })

  it.each([
    ['a b', undefined, undefined, 'cannot be the name'],
    ['../etc', undefined, undefined, 'cannot be the name'],
    ['nginx', '1.0-1-1', undefined, 'cannot be the version'],
    ['nginx', 'x:1', undefined, 'cannot be the version'],
    ['/usr/bin/python3', '3', undefined, 'which has no version'],
    ['nginx', undefined, 'x86-64', 'cannot be an architecture'],
  ])('%s %s %s is refused', (name, version, architecture, message) => {
    expect(listed(name, version, architecture)).toEqual([expect.stringContaining(message)])
  })
})
