import { describe, expect, it } from 'vitest'
import { formatProblem, parseSiteFile } from '../../core/index.ts'
import { fillVariables } from './fill-variables.ts'

const variables = { mirror: 'base', packages: ['nginx', 'curl'], port: 80, only: false }

function filled(text: string) {
  const { document } = parseSiteFile(Buffer.from(text), 'roles/web.yaml')
  const { document: done, problems } = fillVariables(document!, variables)
  return { value: done.value, problems: problems.map(formatProblem) }
}

describe('fillVariables', () => {
  it.each([
    ['- repository: "{{mirror}}"', [{ repository: 'base' }]],
    ['- package: "{{ packages }}"', [{ package: ['nginx', 'curl'] }]],
    ['- { repository: a, only: "{{only}}" }', [{ repository: 'a', only: false }]],
    ['- file: "/etc/{{mirror}}-{{port}}"', [{ file: '/etc/base-80' }]],
    ['- { file: /a, content: "{{other}}" }', [{ file: '/a', content: '{{other}}' }]],
    ['- file: "/a/{ {b}"', [{ file: '/a/{ {b}' }]],
  ])('%s', (text, value) => {
    expect(filled(text)).toEqual({ value, problems: [] })
  })
  it.each([
    [
      '- repository: "{{miror}}"',
      'roles/web.yaml:1:15: there is no variable "miror"; expected a name of `variables:`, of the role or of the machine: did you mean mirror?',
    ],
    [
      '- file: "/etc/{{packages}}"',
      'roles/web.yaml:1:9: the variable "packages" is a list; expected a text or a number within a text',
    ],
    [
      '- file: "{{constructor}}"',
      'roles/web.yaml:1:9: there is no variable "constructor"; expected a name of `variables:`, of the role or of the machine',
    ],
  ])('%s', (text, problem) => {
    expect(filled(text).problems).toEqual([problem])
  })
})
