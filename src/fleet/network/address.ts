import type * as IpAddr from 'ipaddr.js'
import { lazyPackage } from '../../core/index.ts'

const ipaddr = lazyPackage((require) => require('ipaddr.js') as typeof IpAddr)

/** An IPv4 address as a number that compares and counts: 0 to 2³² − 1. Undefined for what is none, octal and short forms included. */
export function addressNumber(text: string): number | undefined {
  const { IPv4 } = ipaddr()
  if (!IPv4.isValidFourPartDecimal(text)) return undefined
  return IPv4.parse(text).octets.reduce((number, octet) => number * 256 + octet, 0)
}

/** The way back: `192.168.137.1`. */
export function addressText(number: number): string {
  return [24, 16, 8, 0].map((bits) => Math.floor(number / 2 ** bits) % 256).join('.')
}

/** The first and the last address of a subnet, which no machine can have: its own name, and broadcast. */
export interface Block {
  first: number
  last: number
  prefixLength: number
}

/** `192.168.137.0/24` (RFC 4632 §3.1). Undefined for what is none; what is written may be any address of the block. */
export function parseBlock(text: string): Block | undefined {
  const [, address = '', length = ''] = /^([0-9.]+)\/(0|[1-9]\d?)$/.exec(text) ?? []
  const number = addressNumber(address)
  const prefixLength = Number(length)
  if (number === undefined || length === '' || prefixLength > 32) return undefined
  const size = 2 ** (32 - prefixLength)
  const first = Math.floor(number / size) * size
  return { first, last: first + size - 1, prefixLength }
}

export function blockText({ first, prefixLength }: Block): string {
  return `${addressText(first)}/${prefixLength}`
}

/** `255.255.255.0` */
export function netmask({ prefixLength }: Block): string {
  return addressText(2 ** 32 - 2 ** (32 - prefixLength))
}

export function isWithin(block: Pick<Block, 'first' | 'last'>, number: number): boolean {
  return number >= block.first && number <= block.last
}
