import { describe, expect, it } from 'vitest'
import { formatProblem, parseSiteFile, subDocument, validate, type CheckContext } from '../../core/index.ts'
import { checkMachines } from './check-machines.ts'
import { machinesSchema } from './machine-schema.ts'

/** What is wrong with the machines of a site that has these mirrors. */
function problemsOf(text: string, mirrors: readonly string[] = ['base']): string[] {
  const { document } = parseSiteFile(Buffer.from(text), 'larder.yaml')
  const section = subDocument(document!, ['machines'])
  const { value, problems } = validate(machinesSchema, section)
  if (value === undefined) return problems.map(formatProblem)
  const context: Pick<CheckContext, 'declared' | 'positionOf'> = {
    declared: { mirrors, machines: Object.keys(section.value as object) },
    positionOf: (path, part) => ({ file: 'larder.yaml', ...document!.positionOf(path, part) }),
  }
  return checkMachines(value, context as CheckContext).map(formatProblem)
}

describe('checkMachines', () => {
  it('finds nothing wrong with what is right', () => {
    const site =
      'machines:\n  db: { at: vm, disk_mb: 4096 }\n  web-1: { after: [db], address: 10.0.0.2 }\n  old: { at: ssh, ssh: { address: old.example.org } }\n'
    expect(problemsOf(site)).toEqual([])
  })
  it.each([
    [
      'machines:\n  Web: {}\n',
      'larder.yaml:2:3: the name "Web": small letters, digits, and - between them, are a name',
    ],
    ['machines:\n  a: { at: ssh }\n', 'larder.yaml:2:3: it is not said how a is reached; expected ssh: { address: … }'],
    [
      'machines:\n  a: { ssh: { address: b } }\n',
      'larder.yaml:2:13: ssh is for machines at: ssh, and a is at: container; expected at: ssh',
    ],
    [
      'machines:\n  a: { at: local, address: 10.0.0.1 }\n',
      'larder.yaml:2:28: a is there already, with an address of its own; expected no address',
    ],
    [
      'machines:\n  a: { disk_mb: 4096 }\n',
      'larder.yaml:2:17: a is at: container, and has the disk that is there; expected at: vm',
    ],
    [
      'machines:\n  a: { base: bose }\n',
      'larder.yaml:2:14: there is no mirror "bose"; expected the name of one that is declared: did you mean base?',
    ],
    [
      'machines:\n  db: {}\n  a: { after: [bd] }\n',
      'larder.yaml:3:16: there is no machine "bd"; expected the name of one that is declared: did you mean db?',
    ],
    [
      'machines:\n  a: { after: [b] }\n  b: { after: [a] }\n',
      'larder.yaml:2:15: machines wait for each other: a → b → a; expected an order in which they can come up',
    ],
    [
      'machines:\n  a: { address: 10.0.0.2 }\n  b: { address: 10.0.0.2 }\n',
      'larder.yaml:3:17: 10.0.0.2 is the address of a already; expected another address',
    ],
    [
      'machines:\n  a: { at: ssh, ssh: { address: "h; reboot" } }\n',
      'larder.yaml:2:33: "h; reboot" is no address; expected an IP address or a DNS name',
    ],
    [
      'machines:\n  a: { at: ssh, ssh: { address: h } }\n  b: { at: ssh, ssh: { address: H, user: admin } }\n  c: { at: ssh, ssh: { address: h, port: 23 } }\n',
      'larder.yaml:3:33: h port 22 is the machine a already; expected another host',
    ],
    [
      'machines:\n  a: { at: local }\n  b: { at: local }\n',
      'larder.yaml:3:12: this host is the machine a already; expected one machine at: local',
    ],
  ])('%j', (text, problem) => {
    expect(problemsOf(text)).toEqual([problem])
  })
  it.each([
    [[], 'expected a mirror in the section mirrors'],
    [['base', 'el9'], 'expected base: one of base, el9'],
  ])('asks for the mirror that a machine begins with, of %j', (mirrors, expected) => {
    expect(problemsOf('machines:\n  a: {}\n', mirrors)).toEqual([
      `larder.yaml:2:3: it is not said which mirror the first packages of a come from; ${expected}`,
    ])
  })
})
