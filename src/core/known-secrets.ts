import { redacted, redactText } from './redact.ts'

/** Shorter ones would be found in words that say something else. */
const shortest = 8

/**
 * The secrets that this process was given, so that they can be taken out of what people read, wherever a program or a
 * server has put them.
 */
export class KnownSecrets {
  readonly #secrets = new Set<string>()

  add(...secrets: readonly (string | undefined)[]): void {
    for (const secret of secrets) {
      const trimmed = secret?.trim() ?? ''
      if (trimmed.length < shortest) continue
      this.#secrets.add(trimmed)
      this.#secrets.add(Buffer.from(trimmed).toString('base64').replace(/=+$/, ''))
      this.#secrets.add(encodeURIComponent(trimmed))
    }
  }

  /** Text without them, and without what looks like a secret by its place. */
  mask(text: string): string {
    let kept = text
    for (const secret of this.#secrets) kept = kept.replaceAll(secret, redacted)
    return redactText(kept)
  }
}
