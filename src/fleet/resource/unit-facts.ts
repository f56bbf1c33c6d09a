import { sh, type Script } from '../shell/script.ts'
import { part, readPart } from './fact-text.ts'
import { gaveUp } from './resource-type.ts'

/** What systemd says of a unit. */
export interface UnitFacts {
  readonly loadState: string
  readonly activeState: string
  /** '' where it has none, as units of /run. */
  readonly unitFileState: string
  /** Its text has changed since systemd read it. */
  readonly needsReload: boolean
}

/** One systemctl for all, whose answers are in the order of the question: systemctl(1), show. */
export function unitScript(units: readonly string[]): Script {
  return part(
    'units',
    sh`if [ -d /run/systemd/system ]; then echo systemd; systemctl show --no-pager -p LoadState,ActiveState,UnitFileState,NeedDaemonReload,SourcePath -- ${units} || :; else echo none; fi`,
  )
}

/** Whether it runs. One that has failed is not waited for: nobody starts it again (systemd.service(5), Restart). */
export function activeScript(unit: string): Script {
  return sh`systemctl is-active --quiet -- ${unit} || { ! systemctl is-failed --quiet -- ${unit} || exit ${gaveUp}; exit 1; }`
}

/** As many as were asked for, or why there are none. */
export function readUnits(output: Buffer | undefined, count: number): readonly UnitFacts[] | string {
  const text = output === undefined ? undefined : readPart(output, 'units')
  if (text === undefined) return 'what the host said of it is not whole'
  if (text[0] !== 'systemd') return 'systemd is not running there'
  const blocks = text.slice(1).join('\n').split('\n\n')
  if (blocks.length !== count) return 'systemd did not answer about each'
  return blocks.map((block) => {
    const words = new Map(
      block.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    )
    return {
      loadState: words.get('LoadState') ?? '',
      activeState: words.get('ActiveState') ?? '',
      unitFileState: words.get('UnitFileState') ?? '',
      // Of what a generator has made of a file that went, that stays so for ever.
      needsReload: words.get('NeedDaemonReload') === 'yes' && (words.get('SourcePath') ?? '') === '',
    }
  })
}

export const isActive = ({ activeState }: UnitFacts): boolean => activeState === 'active' || activeState === 'reloading'

/**
 * Those that are started by others, or by what they are, have nothing to enable: systemctl(1), is-enabled. What a generator links
 * anew at each start, as clusters of Debian's PostgreSQL, is `enabled-runtime`.
 */
export function isEnabled({ unitFileState }: UnitFacts): boolean {
  return ['enabled', 'enabled-runtime', 'static', 'alias', 'indirect', 'generated', 'transient'].includes(unitFileState)
}
