/** An OpenPGP key that signs what a mirror publishes. */
export interface SigningKey {
  /** 40 upper-case hex digits. */
  readonly fingerprint: string
  readonly publicKeyArmored: string
  /** Cleartext signature framework (RFC 4880 §7), SHA-256 or stronger. */
  signCleartext(text: string, at: Date): Promise<string>
  /** Armored detached signature. */
  signDetached(bytes: Uint8Array, at: Date): Promise<string>
  /** Binary detached signature of the newest key alone: an RPM has room for one. */
  signBinary(bytes: Uint8Array, at: Date): Promise<BinarySignature>
}

export interface BinarySignature {
  bytes: Uint8Array
  /** Of an RSA key: RPM has another place for such. */
  isRsa: boolean
}
