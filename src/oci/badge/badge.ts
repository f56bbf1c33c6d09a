import type * as BadgeMaker from 'badge-maker'
import { lazyPackage } from '../../core/index.ts'

/** It comes with the widths of all letters, most of a mebibyte. */
const badgeMaker = lazyPackage((require) => require('badge-maker') as typeof BadgeMaker)

/** What a badge tells of an image. `message` is its version where the last build went well. */
export type BadgeState =
  | { kind: 'passing'; version: string }
  /** The version that is still there is none of the badge's business: something is to be mended. */
  | { kind: 'failing' }
  | { kind: 'building'; version?: string | undefined }
  /** Never built, or no such image: which of them is nobody's business who may only see badges. */
  | { kind: 'unknown' }

export interface BadgeText {
  label: string
  message: string
  colour: BadgeColour
}

export type BadgeColour = 'green' | 'red' | 'blue' | 'grey'

/** Words and colour for a state. `label` default `build`. */
export function badgeTextOf(state: BadgeState, label = 'build'): BadgeText {
  switch (state.kind) {
    case 'passing':
      return { label, message: state.version, colour: 'green' }
    case 'failing':
      return { label, message: 'failing', colour: 'red' }
    case 'building':
      return { label, message: state.version === undefined ? 'building' : `building ${state.version}`, colour: 'blue' }
    case 'unknown':
      return { label, message: 'unknown', colour: 'grey' }
  }
}

/** An SVG that says in `title` and `aria-label` what it shows. Text of any kind stays text; at most 80 characters of it. */
export function badgeOf({ label, message, colour }: BadgeText): string {
  return badgeMaker().makeBadge({ label: plain(label), message: plain(message), color: colours[colour] })
}

/** What shields asks an endpoint for. Source: the endpoint badge of shields, schema version 1. */
export function shieldsEndpointOf({ label, message, colour }: BadgeText): {
  schemaVersion: 1
  label: string
  message: string
  color: string
  isError?: true
} {
  const isError = colour === 'red' ? { isError: true as const } : {}
  return { schemaVersion: 1, label: plain(label), message: plain(message), color: colours[colour], ...isError }
}

/** White on each of them can be read: contrast of 4.5 or more (WCAG 2.2, 1.4.3), which the usual badge colours lack. */
const colours: Record<BadgeColour, string> = {
  green: '#2a7d2e',
  red: '#c0392b',
  blue: '#1f6fb2',
  grey: '#6a6a6a',
}

const maxCharacters = 80

/** Without what XML cannot hold, however it is escaped. Source: XML 1.0, section 2.2. */
function plain(text: string): string {
  const shown = text
    .toWellFormed()
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufffe\uffff]+/g, ' ')
    .trim()
  const characters = Array.from(shown)
  return characters.length > maxCharacters ? `${characters.slice(0, maxCharacters - 1).join('')}…` : shown
}
