import { ownPrefix } from './balanced-service.ts'
import type { ServerState, ServerStatistics } from '../service/service-spec.ts'

/** A server as HAProxy tells of it, over all its workers. */
export interface HaproxyServer extends ServerState {
  readonly isSticky: boolean
  /** Of 100, which the configuration says. */
  readonly weight: number
}

/**
 * What the tool says of workers (management guide 2.6, §9.3: show servers state, show stat): how the current one sees each
 * server, with what goes on in all of them. Believes nothing: what is not whole is left out.
 */
export function parseBalancerState(text: string): HaproxyServer[] {
  const states = new Map<string, Row>()
  const current = new Map<string, Row>()
  const all = new Map<string, Row[]>()
  let isCurrent = false
  let header: readonly string[] = []
  for (const line of text.split('\n')) {
    if (line.startsWith('== ')) isCurrent = line === '== current'
    const isCsv = header[0] === 'pxname'
    if (line.startsWith('# ')) header = line.startsWith('# be_id ') ? line.slice(2).split(' ') : splitCsv(line.slice(2))
    else if (isCsv) {
      const row = rowOf(header, splitCsv(line))
      const key = `${row['pxname']}/${row['svname']}`
      all.set(key, [...(all.get(key) ?? []), row])
      if (isCurrent) current.set(key, row)
    } else if (isCurrent && header[0] === 'be_id') {
      const row = rowOf(header, line.split(' '))
      if (row['srv_admin_state'] !== undefined) states.set(`${row['be_name']}/${row['srv_name']}`, row)
    }
  }
  return [...states].flatMap(([key, row]) => {
    const [service = '', machine = ''] = key.split('/')
    const found = current.get(key)
    const rows = all.get(key) ?? []
    if (service === '' || machine === '' || service.startsWith(ownPrefix) || found === undefined) return []
    const isSticky = (found['cookie'] ?? '') !== ''
    const weight = countOf(row['srv_uweight'])
    const sessions = sumOf(rows, 'scur', 'qcur')
    const statistics = statisticsOf(found, rows)
    return [{ service, machine, state: stateOf(row), sessions, why: whyOf(found), isSticky, weight, statistics }]
  })
}

type Row = Readonly<Partial<Record<string, string>>>

function rowOf(header: readonly string[], values: readonly string[]): Row {
  return Object.fromEntries(header.map((name, at) => [name, values[at]]))
}

/** Columns of show stat: management guide 2.6, §9.1. */
function statisticsOf(current: Row, all: readonly Row[]): ServerStatistics {
  return {
    requests: sumOf(all, 'stot'),
    failures: sumOf(all, 'econ', 'eresp'),
    serverErrors: sumOf(all, 'hrsp_5xx'),
    bytesFromClients: sumOf(all, 'bin'),
    bytesToClients: sumOf(all, 'bout'),
    requestsPerSecond: sumOf(all, 'rate'),
    responseMs: countOf(current['rtime']),
    downS: countOf(current['downtime']),
  }
}

function sumOf(rows: readonly Row[], ...columns: readonly string[]): number {
  return rows.flatMap((row) => columns.map((column) => countOf(row[column]))).reduce((sum, count) => sum + count, 0)
}

function countOf(text: string | undefined): number {
  return /^[0-9]{1,15}$/.test(text ?? '') ? Number(text) : 0
}

/** Bits of srv_admin_state: by hand, by another server, by the configuration, by name resolution. */
const maintenance = 0x01 | 0x02 | 0x04 | 0x20 | 0x40
const draining = 0x08 | 0x10

function stateOf(row: Row): ServerState['state'] {
  const admin = countOf(row['srv_admin_state'])
  if ((admin & maintenance) !== 0) return 'maintenance'
  if ((admin & draining) !== 0) return 'draining'
  return countOf(row['srv_op_state']) === 0 ? 'down' : 'up'
}

/** What the last check found, where it was not well. */
function whyOf(row: Row): string | undefined {
  const status = (row['check_status'] ?? '').replace(/^\* /, '')
  if (status === '' || /^(?:L[467]OKC?|UNK|INI)$/.test(status)) return undefined
  const code = row['check_code'] ? ` ${row['check_code']}` : ''
  const last = row['last_chk'] ? `: ${row['last_chk']}` : ''
  return `${row['check_desc'] ?? ''}${code}${last}`.trim() || status
}

/** RFC 4180 §2, one line. */
function splitCsv(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain = '']) =>
    quoted === undefined ? plain : quoted.replaceAll('""', '"'),
  )
}
