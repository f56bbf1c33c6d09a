import { decompress, type CompressionFormat } from '../../unpack/index.ts'

/** A text as it was downloaded. */
export interface PackedText {
  read(): Promise<AsyncIterable<Uint8Array>>
  form: PackedForm
}

/** How it is unpacked, as `decompress` takes it. */
export interface PackedForm {
  format: CompressionFormat
  maxBytes: number
  exactBytes?: number
  label: string
}

/** Each part is valid until the next is asked for. DECOMPRESS_*, CANCELLED, and what reading throws. */
export async function* unpackText(packed: PackedText, signal: AbortSignal): AsyncGenerator<Buffer> {
  const { form } = packed
  yield* decompress(await packed.read(), form.format, { ...form, signal, isTransient: true })
}
