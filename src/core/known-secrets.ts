import { redacted, redactText } from './redact.ts'

/** Shorter ones would be found in words that say something else. */
const shortest = 8

const mostPassing = 4

/**
 * The secrets that this process was given, so that they can be taken out of what people read, wherever a program or a
 * server has put them.
 */
export class KnownSecrets {
  readonly #secrets = new Set<string>()
  /** Newest last. */
  #passing: string[] = []

  /** Of one of several lines, a key, each line is one: programs show them one by one. */
  add(...secrets: readonly (string | undefined)[]): void {
    for (const secret of secrets) for (const form of formsOf(secret)) this.#secrets.add(form)
  }

  /** One that holds for an hour or so, and is followed by another: the newest few are known. */
  addPassing(secret: string): void {
    this.#passing = [...this.#passing.filter((known) => known !== secret), secret].slice(-mostPassing)
  }

  /** Text without them, and without what looks like a secret by its place. */
  mask(text: string): string {
    let kept = text
    for (const secret of [...this.#secrets, ...this.#passing.flatMap(formsOf)]) kept = kept.replaceAll(secret, redacted)
    return redactText(kept)
  }
}

function formsOf(secret: string | undefined): string[] {
  const lines = (secret ?? '').split('\n').map((line) => line.trim())
  return lines
    .filter((line) => line.length >= shortest && !line.startsWith('-----'))
    .flatMap((line) => [line, Buffer.from(line).toString('base64').replace(/=+$/, ''), encodeURIComponent(line)])
}
