import { describe, expect, it } from 'vitest'
import { describePlan } from './describe-plan.ts'
import { describeResources } from './describe-machine.ts'
import { planTables } from './report/plan-tables.ts'

const change = (differences: { what: string; from?: string; to?: string }[]) => [
  {
    id: 'file:/etc/motd',
    state: 'change' as const,
    why: undefined,
    differences: differences.map(({ what, from, to }) => ({ what, from, to })),
  },
]

describe('describeResources', () => {
  it('shows values beside each other, and of texts the lines that differ', () => {
    const numbered = (...lines: (string | number)[]) => `${lines.join('\n')}\n`
    const from = numbered(1, 2, 3, 4, 'old', 'older', 7, 8, 9)
    const to = numbered(1, 2, 3, 4, 'new', 7, 8, 9)
    expect(
      describeResources(
        change([
          { what: 'mode', from: '0600', to: '0644' },
          { what: 'content', from, to },
        ]),
      ),
    ).toEqual([
      '  ~ file:/etc/motd',
      '      mode: 0600 → 0644',
      '      content:',
      '        3',
      '        4',
      '      - old',
      '      - older',
      '      + new',
      '        7',
      '        8',
    ])
  })

  it.each([
    [{ from: 'a\n' }, ['- a']],
    [{ to: 'a\nb\n' }, ['+ a', '+ b']],
    [{ from: 'a\na\n', to: 'a\n' }, ['  a', '- a']],
    [{ from: 'a\n', to: 'a\n\n' }, ['  a', '+ ']],
  ])('%j', (texts, lines) => {
    expect(describeResources(change([{ what: 'content', ...texts }])).slice(2)).toEqual(
      lines.map((line) => `      ${line}`),
    )
  })

  it('says of what depends on something why nobody knows', () => {
    const maybe = { id: 'service:nginx', state: 'maybe' as const, differences: [], why: 'there is no such unit yet' }
    expect(describeResources([maybe])).toEqual(['  ? service:nginx: there is no such unit yet'])
  })
})

describe('plans of machines and networks', () => {
  const machine = {
    subject: 'machine web-1',
    action: 'update' as const,
    summary: 'file:/etc/motd (content); 3 as declared',
    detail: { machine: 'web-1', resources: change([{ what: 'content', from: 'old\n', to: '/merge\n```\n' }]) },
  }

  it('are told to who pushes', () => {
    expect(describePlan([machine])).toContain('      - old')
    const network = { ...machine, detail: { differences: ['range .15–.150 → .15–.120'] } }
    expect(describePlan([network])).toContain('  ~ range .15–.150 → .15–.120')
  })

  it('stand in a comment as a block that nothing ends, and that gives no orders', () => {
    const [block = ''] = planTables(machine, { open: 10, folded: 10 })
    expect(block).toContain('- old')
    expect(block.match(/```/g)).toHaveLength(2)
    expect(block).not.toMatch(/^\s*\/merge/m)
  })
})
