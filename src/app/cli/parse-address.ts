import { InvalidArgumentError } from 'commander'
import { LarderError } from '../../core/index.ts'

/** `HOST:PORT`, `[ADDRESS]:PORT` or `:PORT`, which is every address. */
export function parseListen(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:]*)):([0-9]{1,5})$/.exec(text)
  if (match === null) throw new InvalidArgumentError('Write it as HOST:PORT, like 0.0.0.0:7420 or [::]:7420.')
  const [, v6, v4, port = ''] = match
  return { host: v6 ?? (v4 === '' || v4 === undefined ? '0.0.0.0' : v4), port: parsePort(port) }
}

/** 0 stands for any free one. */
export function parsePort(text: string): number {
  const port = Number(text)
  if (!/^[0-9]{1,5}$/.test(text) || port > 65535) throw new InvalidArgumentError('It must be a number from 0 to 65535.')
  return port
}

/** USAGE where it is none. */
export function requireHttpUrl(text: string, hint: string): void {
  const protocol = URL.parse(text)?.protocol
  if (protocol === 'http:' || protocol === 'https:') return
  throw new LarderError('USAGE', {
    message: `${text === '' ? '""' : text.slice(0, 200)} is no address of http:// or https://.`,
    hint: `${hint}.`,
  })
}
